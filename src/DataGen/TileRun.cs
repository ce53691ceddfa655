using System.Runtime.CompilerServices;
using ToyPipeline.Core.Random;

namespace ToyPipeline.DataGen;

/// <summary>Consecutive tiles of samples that are drawn at once.</summary>
/// <param name="Stream">Stream.</param>
/// <param name="First">First tile.</param>
/// <param name="Tiles">Number of tiles, at most <see cref="MaxTiles"/>.</param>
internal readonly record struct TileRun(RandomStream Stream, long First, int Tiles)
{
    /// <summary>Most tiles of a run.</summary>
    public const int MaxTiles = MaxSamples / PhiloxTile.Samples;

    /// <summary>Samples of the longest run: see <see cref="Draw"/>.</summary>
    public const int MaxSamples = 1 << SlotShift;

    /// <summary>Binary logarithm of <see cref="MaxSamples"/>.</summary>
    public const int SlotShift = 10;

    // Values of all features of a run that stay in the first-level cache: 20 kB. Shorter runs than this would begin too often.
    private const int CachedValues = 5 << 10;
    private const int MinTiles = 4;

    /// <summary>Samples of the run.</summary>
    public int Samples => Tiles * PhiloxTile.Samples;

    /// <summary>Length of runs for so many features: the more features, the shorter.</summary>
    public static int Length(int features) => Math.Clamp(CachedValues / PhiloxTile.Samples / features, MinTiles, MaxTiles) & ~1;

    /// <summary>The number of a draw.</summary>
    /// <param name="feature">Feature.</param>
    /// <param name="sample">Its sample within the run.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Draw(int feature, int sample) => (feature << SlotShift) + sample;

    /// <summary>The feature of a draw.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Feature(int draw) => (uint)draw >> SlotShift;

    /// <summary>The sample of a draw within the run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Sample(int draw) => (uint)draw % MaxSamples;

    /// <summary>A run of its own for one of the tiles.</summary>
    public TileRun Tile(int index) => new(Stream, First + index, 1);
}
