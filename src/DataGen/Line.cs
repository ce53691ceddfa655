using System.Runtime.Intrinsics;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.DataGen;

/// <summary>A value as a function of a word, in one rounding.</summary>
/// <param name="Scale">Slope.</param>
/// <param name="Offset">Value of word 0.</param>
internal readonly record struct Line(float Scale, float Offset)
{
    /// <summary>(r + ½)/T on (0, 1), or twice that minus 1 on (−1, 1).</summary>
    public static Line Over(double words, ValueRange range)
    {
        double step = range == ValueRange.Signed ? 2 / words : 1 / words;
        var (scale, offset) = ((float)step, (float)((step / 2) - (range == ValueRange.Signed ? 1 : 0)));
        // The scale gives way until rounding stays within the range.
        while (MathF.FusedMultiplyAdd((int)(words - 1), scale, offset) > 1)
            scale = MathF.BitDecrement(scale);
        return new Line(scale, offset);
    }

    /// <summary>The value of <paramref name="word"/>.</summary>
    public float At(int word) => MathF.FusedMultiplyAdd(word, Scale, Offset);

    /// <summary>The values of some words.</summary>
    /// <param name="set">Instructions to use.</param>
    /// <param name="words">The words.</param>
    /// <param name="count">How many; whole vectors of eight are read and written.</param>
    /// <param name="values">Receives the values.</param>
    public unsafe void At(InstructionSet set, int* words, int count, float* values)
    {
        if (set == InstructionSet.Portable)
        {
            for (int e = 0; e < count; e++)
                values[e] = At(words[e]);
            return;
        }

        var (scale, offset) = (Vector256.Create(Scale), Vector256.Create(Offset));
        for (int e = 0; e < count; e += 8)
            Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(Vector256.Load(words + e)), scale, offset).Store(values + e);
    }
}
