using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Tests;

/// <summary>Tiles in managed arrays.</summary>
internal static class Tiles
{
    /// <summary>Fills <paramref name="values"/>, [features, 64], with a tile of a step's batch.</summary>
    public static unsafe void Fill(SampleSource source, long step, int tile, float[] values, DrawBuffer buffer)
    {
        fixed (float* x = values)
            source.FillTiles(step, tile, 1, x, SampleSource.TileSamples, buffer);
    }
}
