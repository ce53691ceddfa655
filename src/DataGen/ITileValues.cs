using System.Numerics;
using System.Runtime.CompilerServices;

namespace ToyPipeline.DataGen;

/// <summary>What becomes of the values that a <see cref="FeatureSampler"/> draws.</summary>
internal unsafe interface ITileValues
{
    /// <summary>A feature's row of the run's samples where values may be written as they come, one a sample; null where they are to be taken tile by tile.</summary>
    float* Row(int feature);

    /// <summary>Takes the values of a feature in a tile.</summary>
    /// <param name="feature">Feature; they come in ascending order, and of each the tiles.</param>
    /// <param name="tile">Tile of the run.</param>
    /// <param name="candidates">A bit for every sample in which the feature may be present.</param>
    /// <param name="values">One value for every bit, in order: 0 where it came out absent. Whole vectors may be read.</param>
    void Take(int feature, int tile, ulong candidates, float* values);
}

/// <summary>Rows of samples, [features, stride].</summary>
internal readonly unsafe struct TileRows(InstructionSet set, float* x, int stride) : ITileValues
{
    public float* Row(int feature) => x + ((long)feature * stride);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Take(int feature, int tile, ulong candidates, float* values) =>
        Expansion.Write(set, candidates, PhiloxTile.Samples, values, Row(feature) + (tile * PhiloxTile.Samples));
}

/// <summary>Rows of some of the samples, side by side, [features, stride].</summary>
/// <param name="set">Instruction set.</param>
/// <param name="x">Receives the rows.</param>
/// <param name="stride">Length of a row.</param>
/// <param name="some">Of each tile a bit for every sample that is wanted: all that are candidates of any feature.</param>
/// <param name="before">How many samples are wanted before each tile.</param>
internal readonly unsafe struct GatheredRows(InstructionSet set, float* x, int stride, ulong* some, int* before) : ITileValues
{
    public float* Row(int feature) => null;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Take(int feature, int tile, ulong candidates, float* values) =>
        Expansion.Write(
            set, Expansion.Extract(set, candidates, some[tile]), BitOperations.PopCount(some[tile]), values, x + ((long)feature * stride) + before[tile]);
}

/// <summary>One list a tile.</summary>
internal readonly unsafe struct TileLists(InstructionSet set, TileDraws draws) : ITileValues
{
    public float* Row(int feature) => null;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Take(int feature, int tile, ulong candidates, float* values) => draws.Add(set, tile, feature, candidates, values);
}

/// <summary>One list of the run, handed on in parts.</summary>
internal unsafe struct RunList(InstructionSet set, TileEntries entries, DrawBuffer buffer) : ITileValues
{
    private int _count;

    public readonly float* Row(int feature) => null;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Take(int feature, int tile, ulong candidates, float* values)
    {
        _count += DrawList.Append(
            set, candidates, TileRun.Draw(feature, tile * PhiloxTile.Samples), buffer.Draws + _count, values, buffer.DrawnValues + _count);
        if (_count > DrawBuffer.ListedDraws)
            Flush();
    }

    /// <summary>Hands on what is left.</summary>
    public void Flush()
    {
        entries.Add(buffer.Draws, buffer.DrawnValues, _count);
        _count = 0;
    }
}
