namespace ToyPipeline.Analysis.Data;

/// <summary>Samples in order, one at a time, as sparse rows. The spans hold until the next <see cref="MoveNext"/>.</summary>
internal interface ISampleRows : IDisposable
{
    /// <summary>Moves to the next sample; false after the last one.</summary>
    /// <exception cref="Core.InvalidInputException">The file behind the sample is damaged.</exception>
    bool MoveNext();

    /// <summary>Features that are present, ascending.</summary>
    ReadOnlySpan<int> Columns { get; }

    /// <summary>Their values.</summary>
    ReadOnlySpan<float> Values { get; }

    /// <summary>Writes the next samples densely into <paramref name="destination"/>, [rows, features], as many as fit; returns their number.</summary>
    /// <exception cref="Core.InvalidInputException">The file behind the samples is damaged.</exception>
    int Read(Span<float> destination, int features)
    {
        for (int row = 0; row < destination.Length / features; row++)
        {
            if (!MoveNext())
                return row;
            var dense = destination.Slice(row * features, features);
            dense.Clear();
            var values = Values;
            var columns = Columns;
            for (int k = 0; k < columns.Length; k++)
                dense[columns[k]] = values[k];
        }

        return destination.Length / features;
    }

    /// <summary>Gives the next samples to a block, at most <paramref name="rows"/>; returns their number.</summary>
    /// <exception cref="Core.InvalidInputException">The file behind the samples is damaged.</exception>
    int Take(SampleBlock block, int rows, int features) => Read(block.Dense(rows), features);
}
