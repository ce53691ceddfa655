using CsCheck;
using ToyPipeline.Core;

namespace ToyPipeline.Sweeps.Tests;

/// <summary>Places of packs as text.</summary>
public sealed class PackRangesTests
{
    [TestCase("0", 0)]
    [TestCase("0-3,7", 0, 1, 2, 3, 7)]
    [TestCase("7,0-1,1", 0, 1, 7)]
    public void A_text_names_packs_in_order(string text, params int[] expected) => Assert.That(PackRanges.Parse(text), Is.EqualTo(expected));

    [TestCase("")]
    [TestCase("-1")]
    [TestCase("3-1")]
    [TestCase("1-2-3")]
    [TestCase("0,,2")]
    [TestCase("all")]
    [TestCase("0-99999999999")]
    [TestCase("0-1000000000")]
    public void Any_other_text_is_refused(string text) =>
        Assert.That(() => PackRanges.Parse(text), Throws.TypeOf<InvalidInputException>().With.Message.Contains("for example 0-3,7"));

    [Test]
    public void What_is_written_is_read_back() =>
        Gen.Int[0, 40].List[1, 30].Sample(packs => PackRanges.Parse(PackRanges.Text(packs)).SequenceEqual(packs.Distinct().Order()));
}
