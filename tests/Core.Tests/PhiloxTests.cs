using ToyPipeline.Core.Random;

namespace ToyPipeline.Core.Tests;

/// <summary>Philox4x32-10 gives the published numbers.</summary>
public sealed class PhiloxTests
{
    // The lines "philox4x32 10" of tests/kat_vectors of Random123 1.14: counter, key, output.
    [TestCase(new uint[] { 0, 0, 0, 0 }, new uint[] { 0, 0 }, new uint[] { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 })]
    [TestCase(
        new uint[] { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff }, new uint[] { 0xffffffff, 0xffffffff },
        new uint[] { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd })]
    [TestCase(
        new uint[] { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, new uint[] { 0xa4093822, 0x299f31d0 },
        new uint[] { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 })]
    public void The_known_answers_come_out(uint[] counter, uint[] key, uint[] output)
    {
        var block = new PhiloxBlock(counter[0], counter[1], counter[2], counter[3]);
        var expected = new PhiloxBlock(output[0], output[1], output[2], output[3]);
        Assert.Multiple(() =>
        {
            Assert.That(Philox4x32.Block(block, key[0], key[1]), Is.EqualTo(expected));
            Assert.That(Philox4x32.Block(block, ((ulong)key[1] << 32) | key[0]), Is.EqualTo(expected));
        });
    }

    [Test]
    public void A_block_has_four_words()
    {
        var block = new PhiloxBlock(5, 6, 7, 8);
        Assert.That(new[] { block[0], block[1], block[2], block[3] }, Is.EqualTo(new uint[] { 5, 6, 7, 8 }));
        Assert.That(() => block[4], Throws.TypeOf<ArgumentOutOfRangeException>());
    }
}

/// <summary>Random numbers are a pure function of (seed, stream, index, slot). Expected values: a Python program written from the definition.</summary>
public sealed class RandomNumbersTests
{
    [TestCase(0ul, RandomStream.Initialization, 0L, 0u, ExpectedResult = 0x6627e8d5u)]
    [TestCase(42ul, RandomStream.Training, 1234567L, 3u, ExpectedResult = 0x1cff3454u)]
    [TestCase(0xDEADBEEF12345678ul, RandomStream.Evaluation, (1L << 34) + 5, 7u, ExpectedResult = 0xd932ee17u)]
    [TestCase(ulong.MaxValue, RandomStream.Analysis, 1L << 62, uint.MaxValue, ExpectedResult = 0x687c7e72u)]
    public uint A_word_is_what_its_definition_says(ulong seed, RandomStream stream, long index, uint slot) =>
        RandomNumbers.Word(seed, stream, index, slot);

    [Test]
    public void Uniform_and_normal_numbers_are_what_their_definition_says()
    {
        Assert.Multiple(() =>
        {
            Assert.That(RandomNumbers.Uniform(42, RandomStream.Initialization, 17, 3), Is.EqualTo(0.046983560819061965));
            Assert.That(RandomNumbers.Normal(42, RandomStream.Initialization, 17, 3), Is.EqualTo(0.4396668629567509).Within(1e-14));
            Assert.That(RandomNumbers.Normal(7, RandomStream.Initialization, 0, 0), Is.EqualTo(0.284795492317105).Within(1e-14));
        });
    }

    [Test]
    public void Seeds_streams_indices_and_slots_are_independent()
    {
        var words = new HashSet<uint>();
        for (ulong seed = 0; seed < 4; seed++)
        {
            foreach (var stream in Enum.GetValues<RandomStream>())
            {
                for (long index = 0; index < 8; index++)
                {
                    for (uint slot = 0; slot < 4; slot++)
                        words.Add(RandomNumbers.Word(seed, stream, index, slot));
                }
            }
        }

        Assert.That(words, Has.Count.EqualTo(4 * 4 * 8 * 4));
    }

    [Test]
    public void Normal_numbers_have_the_moments_of_the_normal_distribution()
    {
        const int Count = 200_000;
        double[] sums = new double[5];
        double previous = 0, lag = 0;
        for (int i = 0; i < Count; i++)
        {
            double z = RandomNumbers.Normal(1, RandomStream.Initialization, i, 0);
            for (int k = 1; k <= 4; k++)
                sums[k] += Math.Pow(z, k) / Count;
            lag += z * previous / Count;
            previous = z;
        }

        // Five standard errors: the variance of z^k over the count.
        double unit = 5 / Math.Sqrt(Count);
        Assert.Multiple(() =>
        {
            Assert.That(sums[1], Is.EqualTo(0).Within(unit));
            Assert.That(sums[2], Is.EqualTo(1).Within(unit * Math.Sqrt(2)));
            Assert.That(sums[3], Is.EqualTo(0).Within(unit * Math.Sqrt(15)));
            Assert.That(sums[4], Is.EqualTo(3).Within(unit * Math.Sqrt(96)));
            Assert.That(lag, Is.EqualTo(0).Within(unit));
        });
    }
}
