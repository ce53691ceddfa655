namespace ToyPipeline.Analysis.Data;

/// <summary>Samples in order, one at a time, as sparse rows. The spans hold until the next <see cref="MoveNext"/>.</summary>
internal interface ISampleRows : IDisposable
{
    /// <summary>Moves to the next sample; false after the last one.</summary>
    /// <exception cref="Core.InvalidInputException">The file behind the sample is damaged.</exception>
    public bool MoveNext();

    /// <summary>Features that are present, ascending.</summary>
    public ReadOnlySpan<int> Columns { get; }

    /// <summary>Their values.</summary>
    public ReadOnlySpan<float> Values { get; }
}
