using System.Runtime.Intrinsics.X86;
using ToyPipeline.Core;

namespace ToyPipeline.DataGen;

/// <summary>Instruction sets that the kernels are written for.</summary>
public enum InstructionSet
{
    /// <summary>Plain C#: any processor.</summary>
    Portable,

    /// <summary>AVX2, FMA and BMI2: 8 floats at a time.</summary>
    Avx2,

    /// <summary>AVX-512F, DQ and VL, and BMI2: 16 floats at a time.</summary>
    Avx512,
}

/// <summary>Which instruction set the kernels use.</summary>
public static class Simd
{
    /// <summary>Environment variable that forces an instruction set: <c>avx512</c>, <c>avx2</c> or <c>portable</c>.</summary>
    public const string Variable = "TOY_SIMD";

    /// <summary>The best instruction set of this processor.</summary>
    public static InstructionSet Best { get; } =
        Avx512F.IsSupported && Avx512DQ.IsSupported && Avx512F.VL.IsSupported && Bmi2.X64.IsSupported ? InstructionSet.Avx512
        : Avx2.IsSupported && Fma.IsSupported && Bmi2.X64.IsSupported ? InstructionSet.Avx2
        : InstructionSet.Portable;

    /// <summary>Every instruction set that this processor has, the best first.</summary>
    public static IReadOnlyList<InstructionSet> Supported { get; } =
        [.. Enum.GetValues<InstructionSet>().Where(set => set <= Best).OrderDescending()];

    /// <summary>The instruction set in use: the forced one, or else the best.</summary>
    /// <exception cref="EnvironmentFaultException">The variable names an unknown set, or one that the processor lacks.</exception>
    public static InstructionSet Current { get; } = Parse(Environment.GetEnvironmentVariable(Variable));

    internal static InstructionSet Parse(string? forced)
    {
        if (string.IsNullOrEmpty(forced))
            return Best;
        foreach (var set in Supported)
        {
            if (forced.Equals(set.ToString(), StringComparison.OrdinalIgnoreCase))
                return set;
        }

        throw new EnvironmentFaultException($"{Variable} is {forced}; this processor has {string.Join(", ", Supported).ToLowerInvariant()}.");
    }
}
