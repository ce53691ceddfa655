using System.Text;
using System.Text.Json;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Core.Formats;

/// <summary>Instances as JSON, as the metadata of weights, histories and models carries them.</summary>
public static class InstancesJson
{
    /// <summary>A JSON array with one object an instance: index, cell, replica, seed, coordinates.</summary>
    public static string Write(IEnumerable<Instance> instances)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartArray();
            foreach (var instance in instances)
            {
                json.WriteStartObject();
                json.WriteNumber("index", instance.Index);
                json.WriteNumber("cell", instance.Cell.Index);
                json.WriteNumber("replica", instance.Replica);
                json.WriteNumber("seed", instance.Seed);
                json.WriteStartObject("coordinates");
                foreach (var coordinate in instance.Cell.Coordinates)
                    json.WriteString(coordinate.Path, coordinate.Value);
                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="InvalidInputException">The text is something else.</exception>
    public static IReadOnlyList<Instance> Read(string json, string file)
    {
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
            Expect(reader.Read() && reader.TokenType == JsonTokenType.StartArray, "a list");
            var instances = new List<Instance>();
            while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                instances.Add(ReadInstance(ref reader, instances.Count > 0 ? instances[^1].Cell : null));
            Expect(reader.TokenType == JsonTokenType.EndArray && !reader.Read(), "a list of objects");
            return instances;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidInputException($"{file}: the list of instances in its metadata cannot be read: {e.Message}", e);
        }
    }

    // Replicas that follow one another share their cell.
    private static Instance ReadInstance(ref Utf8JsonReader reader, Cell? previous)
    {
        int? index = null, cell = null, replica = null;
        ulong? seed = null;
        List<Coordinate>? coordinates = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("index"u8))
                index = Value(ref reader).GetInt32();
            else if (reader.ValueTextEquals("cell"u8))
                cell = Value(ref reader).GetInt32();
            else if (reader.ValueTextEquals("replica"u8))
                replica = Value(ref reader).GetInt32();
            else if (reader.ValueTextEquals("seed"u8))
                seed = Value(ref reader).GetUInt64();
            else if (reader.ValueTextEquals("coordinates"u8))
                coordinates = ReadCoordinates(ref reader, previous);
            else
                Value(ref reader).Skip();
        }

        if (index is null || cell is null || replica is null || seed is null || coordinates is null)
            throw new JsonException("An instance has index, cell, replica, seed and coordinates.");
        var own = previous is not null && previous.Index == cell && previous.Coordinates.SequenceEqual(coordinates) ? previous : new Cell(cell.Value, coordinates);
        return new Instance(index.Value, own, replica.Value, seed.Value);
    }

    private static List<Coordinate> ReadCoordinates(ref Utf8JsonReader reader, Cell? previous)
    {
        Value(ref reader);
        Expect(reader.TokenType == JsonTokenType.StartObject, "coordinates by path");
        var coordinates = new List<Coordinate>(previous?.Coordinates.Count ?? 2);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            // The texts of the cell before are taken where they are the same: a large grid repeats few.
            var same = previous is not null && coordinates.Count < previous.Coordinates.Count ? previous.Coordinates[coordinates.Count] : default;
            string path = same.Path is not null && reader.ValueTextEquals(same.Path) ? same.Path : reader.GetString()!;
            Value(ref reader);
            Expect(reader.TokenType == JsonTokenType.String, "a coordinate as text");
            string value = same.Value is not null && reader.ValueTextEquals(same.Value) ? same.Value : reader.GetString()!;
            coordinates.Add(new Coordinate(path, value));
        }

        return coordinates;
    }

    private static ref Utf8JsonReader Value(ref Utf8JsonReader reader)
    {
        Expect(reader.Read(), "a value");
        return ref reader;
    }

    private static void Expect(bool condition, string what)
    {
        if (!condition)
            throw new JsonException($"{char.ToUpperInvariant(what[0])}{what[1..]} is expected.");
    }
}
