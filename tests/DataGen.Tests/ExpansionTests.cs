using System.Numerics;

namespace ToyPipeline.DataGen.Tests;

/// <summary>Values among zeros and side by side, with every instruction set that the machine has.</summary>
public sealed unsafe class ExpansionTests
{
    private const int Places = 64;

    private static IEnumerable<InstructionSet> Sets => Simd.Supported;

    [TestCaseSource(nameof(Sets))]
    public void Values_go_to_the_places_whose_bits_are_set_and_back(InstructionSet set)
    {
        var random = new Random(1);
        float* values = stackalloc float[Places + Expansion.SpareSamples];
        float* places = stackalloc float[Places + Expansion.SpareSamples];
        float* back = stackalloc float[Places + Expansion.SpareSamples + 1];
        for (int e = 0; e < Places; e++)
            values[e] = e + 1;
        for (int trial = 0; trial < 1000; trial++)
        {
            // From none to all bits.
            ulong mask = trial switch { 0 => 0, 1 => ulong.MaxValue, _ => (ulong)random.NextInt64() << random.Next(Places) >> random.Next(Places) };
            int count = BitOperations.PopCount(mask);
            Expansion.Write(set, mask, Places, values, places);
            int next = 0;
            for (int place = 0; place < Places; place++)
                Assert.That(places[place], Is.EqualTo((mask >> place & 1) != 0 ? values[next++] : 0), $"place {place} of mask {mask:x}");
            new Span<float>(back, Places + Expansion.SpareSamples + 1).Fill(-1);
            Expansion.Read(set, mask, places, back);
            Assert.That(new ReadOnlySpan<float>(back, count).SequenceEqual(new ReadOnlySpan<float>(values, count)), $"mask {mask:x}");
            Assert.That(back[count + Expansion.SpareSamples], Is.EqualTo(-1), $"mask {mask:x} wrote further than it may");
        }
    }
}
