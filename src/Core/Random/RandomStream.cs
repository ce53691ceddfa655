namespace ToyPipeline.Core.Random;

/// <summary>Names of the independent streams of one seed: the last word of the Philox counter.</summary>
public enum RandomStream : uint
{
    /// <summary>Initial parameters.</summary>
    Initialization = 0,

    /// <summary>Samples that training sees.</summary>
    Training = 1,

    /// <summary>Samples of evaluation datasets.</summary>
    Evaluation = 2,

    /// <summary>Perturbations, random restarts and other needs of the analysis.</summary>
    Analysis = 3,
}

/// <summary>Random numbers that are a pure function of (seed, stream, index).</summary>
public static class RandomNumbers
{
    /// <summary>First slot of the bytes; those of words are below.</summary>
    public const uint ByteSlot = 1U << 31;

    /// <summary>
    /// The word of (seed, stream, index, slot). Four consecutive indices share a Philox block:
    /// counter = (index / 4 mod 2³², index / 4 div 2³², slot, stream), key = seed, word = index mod 4.
    /// </summary>
    public static uint Word(ulong seed, RandomStream stream, long index, uint slot)
    {
        ulong group = (ulong)index >> 2;
        return Philox4x32.Block(new PhiloxBlock((uint)group, (uint)(group >> 32), slot, (uint)stream), seed)[(int)(index & 3)];
    }

    /// <summary>
    /// The byte of (seed, stream, index, slot). Sixteen consecutive indices share a Philox block:
    /// counter = (index / 16 mod 2³², index / 16 div 2³², 2³¹ + slot, stream), key = seed, byte = index mod 16, little endian.
    /// </summary>
    public static byte Byte(ulong seed, RandomStream stream, long index, uint slot)
    {
        ulong group = (ulong)index >> 4;
        var block = Philox4x32.Block(new PhiloxBlock((uint)group, (uint)(group >> 32), ByteSlot + slot, (uint)stream), seed);
        return (byte)(block[(int)(index & 15) / 4] >> (8 * (int)(index & 3)));
    }

    /// <summary>A uniform number in the open interval (0, 1) with 52 bits, from slots 2·slot and 2·slot + 1.</summary>
    public static double Uniform(ulong seed, RandomStream stream, long index, uint slot)
    {
        ulong high = Word(seed, stream, index, 2 * slot);
        ulong low = Word(seed, stream, index, (2 * slot) + 1);
        return (((high << 20) | (low >> 12)) + 0.5) * (1.0 / (1L << 52));
    }

    /// <summary>A standard normal number (Box–Muller), from slots 4·slot to 4·slot + 3.</summary>
    public static double Normal(ulong seed, RandomStream stream, long index, uint slot)
    {
        double radius = Math.Sqrt(-2 * Math.Log(Uniform(seed, stream, index, 2 * slot)));
        return radius * Math.Cos(2 * Math.PI * Uniform(seed, stream, index, (2 * slot) + 1));
    }
}
