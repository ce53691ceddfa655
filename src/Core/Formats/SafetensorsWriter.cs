namespace ToyPipeline.Core.Formats;

/// <summary>Writes a safetensors file slice by slice along the tensors' leading axis, so that no tensor is ever whole in memory.</summary>
public sealed class SafetensorsWriter
{
    private readonly Stream _stream;
    private readonly Dictionary<string, (long Start, int Slices, int SliceSize)> _tensors = [];
    private long _missing;

    /// <summary>Writes the header.</summary>
    /// <param name="stream">A seekable stream, empty; it stays open.</param>
    /// <param name="tensors">Names and shapes, of at least one axis, in the order of the file.</param>
    /// <param name="metadata">Text metadata by key.</param>
    public SafetensorsWriter(Stream stream, IReadOnlyList<(string Name, IReadOnlyList<int> Shape)> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(tensors);
        Safetensors.WriteHeader(stream, tensors, metadata);
        _stream = stream;
        long end = stream.Position;
        foreach (var (name, shape) in tensors)
        {
            _tensors.Add(name, (end, shape[0], checked((int)Tensor.Count(shape.Skip(1)))));
            end += sizeof(float) * Tensor.Count(shape);
            _missing += shape[0];
        }

        stream.SetLength(end);
    }

    /// <summary>Writes the values of <paramref name="tensor"/> at <paramref name="place"/> of its leading axis. Each slice is written once, in any order.</summary>
    /// <exception cref="ArgumentException">The tensor has no such place, or slices of another size.</exception>
    public void Write(string tensor, int place, ReadOnlySpan<float> slice)
    {
        var (start, slices, size) = _tensors[tensor];
        if (place < 0 || place >= slices || slice.Length != size)
            throw new ArgumentException($"Tensor {tensor} has {slices} slices of {size} values; {slice.Length} values came for slice {place}.");
        _stream.Position = start + (sizeof(float) * (long)place * size);
        Safetensors.WriteLittleEndian(_stream, slice);
        _missing--;
    }

    /// <summary>Checks that every slice was written.</summary>
    /// <exception cref="InvalidOperationException">One is missing.</exception>
    public void Complete()
    {
        if (_missing != 0)
            throw new InvalidOperationException($"{_missing} slices were not written.");
    }
}
