using ToyPipeline.Core.Experiments;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Tests;

internal sealed class CellChoiceTests
{
    [TestCase(12, 9, 12, 4, 3)]
    [TestCase(2, 3, 3, 1, 3)]
    [TestCase(3, 2, 6, 3, 2)]
    [TestCase(100, 2, 12, 6, 2)]
    public void Of_a_grid_some_values_of_each_axis_are_shown_with_all_of_the_other(int rows, int columns, int most, int shownRows, int shownColumns)
    {
        var choice = CellChoice.Of(Grid(rows, columns), most);
        var shown = choice.Cells.Select(cell => (Row: int.Parse(cell.Coordinates[0].Value), Column: int.Parse(cell.Coordinates[1].Value))).ToList();
        var (first, second) = (shown.Select(cell => cell.Row).Distinct().ToList(), shown.Select(cell => cell.Column).Distinct().ToList());
        Assert.Multiple(() =>
        {
            Assert.That((first.Count, second.Count), Is.EqualTo((shownRows, shownColumns)));
            Assert.That(shown, Is.EqualTo(first.SelectMany(row => second.Select(column => (row, column)))), "a grid again, in its order");
            if (shownRows > 1)
                Assert.That((first[0], first[^1]), Is.EqualTo((0, rows - 1)), "both ends");
            if (shownColumns > 1)
                Assert.That((second[0], second[^1]), Is.EqualTo((0, columns - 1)), "both ends");
            Assert.That(choice.Note.Length > 0, Is.EqualTo(shown.Count < rows * columns));
        });
    }

    [Test]
    public void Of_one_axis_and_of_a_grid_with_gaps_cells_are_chosen_in_their_order()
    {
        Assert.That(CellChoice.Of(Grid(1, 100), 12).Cells.Select(cell => cell.Index), Is.EqualTo(new[] { 0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90, 99 }));
        var gaps = Grid(4, 5).Where(cell => cell.Index != 7).ToList();
        Assert.That(CellChoice.Of(gaps, 4).Cells, Is.EqualTo(new[] { gaps[0], gaps[6], gaps[12], gaps[18] }));
    }

    private static List<CellData> Grid(int rows, int columns) =>
    [
        .. Enumerable.Range(0, rows * columns).Select(index => new CellData(index, "", index, "", [], null)
        {
            Coordinates = [new Coordinate("data.density", $"{index / columns}"), new Coordinate("model.hidden", $"{index % columns}")],
        }),
    ];
}
