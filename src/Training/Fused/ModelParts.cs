namespace ToyPipeline.Training.Fused;

/// <summary>Shape of a model, and where its parameters and the sums of its gradient are: what kernels read whose vectors run over samples.</summary>
internal readonly unsafe struct ModelParts
{
    public required int N { get; init; }

    public required int M { get; init; }

    /// <summary>Floats from one feature's row of W or the decoder to the next.</summary>
    public required int Rows { get; init; }

    /// <summary>Samples from one row of x to the next.</summary>
    public required int Stride { get; init; }

    public required bool ReluHidden { get; init; }

    public required bool ReluOutput { get; init; }

    public required bool AbsoluteValue { get; init; }

    /// <summary>Encoder, [n, rows].</summary>
    public required float* W { get; init; }

    /// <summary>Decoder, [n, rows].</summary>
    public required float* Decoder { get; init; }

    /// <summary>Bias, [n].</summary>
    public required float* B { get; init; }

    /// <summary>c_i = −2 I_i / (batch · n), [n].</summary>
    public required float* C { get; init; }

    /// <summary>1 for <see cref="LinearFeatures{TOps,TVector}"/> and 0 for the others, [n]; null where there are none.</summary>
    public float* Linear { get; init; }

    /// <summary>Sums of ∂L/∂W: vectors of partial sums, [n, m, lanes], or rows, [n, rows], as the kernel has it.</summary>
    public required float* DW { get; init; }

    /// <summary>Sums of ∂L/∂D, likewise; the same as <see cref="DW"/> where W is tied.</summary>
    public required float* DDecoder { get; init; }

    /// <summary>Vectors of partial sums of ∂L/∂b, [n, lanes].</summary>
    public required float* Db { get; init; }
}
