namespace ToyPipeline.Training.Fused;

/// <summary>Lays out arrays one after the other.</summary>
/// <param name="start">Where the first begins; null to learn how much they take.</param>
internal unsafe ref struct Arrays(float* start)
{
    /// <summary>Floats taken so far.</summary>
    public long Floats { get; private set; }

    /// <summary>The next array.</summary>
    /// <param name="count">Its length.</param>
    public float* Take(long count)
    {
        float* taken = start + Floats;
        Floats += count;
        return taken;
    }
}
