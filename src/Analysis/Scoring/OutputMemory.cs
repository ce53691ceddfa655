using Microsoft.ML.OnnxRuntime;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>Where a run writes the outputs that are kept.</summary>
internal sealed class OutputMemory : IDisposable
{
    private readonly ModelOutput[] _outputs;
    private readonly Memory<float>[] _memory;
    private readonly OrtValue?[] _values;
    private int _rows;

    /// <param name="session">The model.</param>
    /// <param name="rows">Samples that there is room for.</param>
    /// <param name="outputs">The outputs.</param>
    public OutputMemory(ToyModelSession session, int rows, IEnumerable<string> outputs)
    {
        _outputs = [.. outputs.Select(session.Output)];
        _memory = [.. _outputs.Select(output => ToyModelSession.Allocate(checked(rows * output.Size)))];
        _values = new OrtValue?[_outputs.Length];
    }

    private OutputMemory(ModelOutput[] outputs, Memory<float>[] memory)
    {
        (_outputs, _memory) = (outputs, memory);
        _values = new OrtValue?[outputs.Length];
    }

    /// <summary>Values of output <paramref name="index"/>, [rows, ...].</summary>
    public ReadOnlySpan<float> Values(int index) => _memory[index].Span;

    /// <summary>Values of some samples of output <paramref name="index"/>.</summary>
    public ReadOnlySpan<float> Rows(int index, int first, int count)
    {
        int size = _outputs[index].Size;
        return Values(index).Slice(first * size, count * size);
    }

    /// <summary>The memory of some of the samples, to be bound on its own.</summary>
    public OutputMemory Part(int first, int count) =>
        new(_outputs, [.. _memory.Zip(_outputs, (memory, output) => memory.Slice(first * output.Size, count * output.Size))]);

    /// <summary>Has the next runs write so many rows here.</summary>
    public void Bind(OrtIoBinding binding, int rows)
    {
        binding.ClearBoundOutputs();
        for (int i = 0; i < _values.Length; i++)
        {
            if (rows != _rows)
            {
                _values[i]?.Dispose();
                _values[i] = ToyModelSession.Tensor(_memory[i], rows, _outputs[i].Shape);
            }

            binding.BindOutput(_outputs[i].Name, _values[i]!);
        }

        _rows = rows;
    }

    public void Dispose()
    {
        foreach (var value in _values)
            value?.Dispose();
    }
}
