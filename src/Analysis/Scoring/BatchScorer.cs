using Microsoft.ML.OnnxRuntime;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>Runs a model on batches. Input and outputs are arrays that every run uses again; one scorer belongs to one thread.</summary>
internal sealed class BatchScorer : IDisposable
{
    private readonly ToyModelSession _session;
    private readonly ModelOutput[] _outputs;
    private readonly Memory<float>[] _buffers;
    private readonly RunOptions _run = new();
    private Binding? _bound;

    /// <param name="session">The model.</param>
    /// <param name="batchSize">Samples a run takes at most.</param>
    /// <param name="outputs">Outputs that are kept, in the order of <see cref="Output"/>.</param>
    /// <param name="input">Where samples are read from, [batchSize, instances, features]; its own array where none is given.</param>
    /// <param name="into">Where each output is written, [batchSize, ...]; arrays of its own where none are given.</param>
    public BatchScorer(ToyModelSession session, int batchSize, IEnumerable<string> outputs, Memory<float>? input = null, IReadOnlyList<Memory<float>>? into = null)
    {
        _session = session;
        BatchSize = batchSize;
        _outputs = [.. outputs.Select(session.Output)];
        _buffers = [.. into ?? [.. _outputs.Select(output => GC.AllocateUninitializedArray<float>(checked(batchSize * output.Size), pinned: true).AsMemory())]];
        Input = input ?? GC.AllocateArray<float>(checked(batchSize * session.InputSize), pinned: true);
    }

    public int BatchSize { get; }

    /// <summary>Samples to score, [batch, features] or [batch, instances, features].</summary>
    public Memory<float> Input { get; }

    /// <summary>Scores the first <paramref name="rows"/> samples of <see cref="Input"/>.</summary>
    public void Run(int rows)
    {
        // All batches but the last have one size: its binding is made once.
        if (_bound?.Rows != rows)
        {
            _bound?.Dispose();
            _bound = null;
            _bound = Bind(rows);
        }

        _session.Run(_run, _bound.Io);
    }

    /// <summary>Values of the kept output <paramref name="index"/> after a run, [batch, ...].</summary>
    public ReadOnlySpan<float> Output(int index) => _buffers[index].Span;

    /// <summary>Values of some samples of the kept output <paramref name="index"/>.</summary>
    public ReadOnlySpan<float> Rows(int index, int first, int count)
    {
        int size = _outputs[index].Size;
        return Output(index).Slice(first * size, count * size);
    }

    public void Dispose()
    {
        _bound?.Dispose();
        _run.Dispose();
    }

    private Binding Bind(int rows)
    {
        var binding = new Binding(rows, _session.CreateBinding(), []);
        int[] inputShape = _session.Instances is { } instances ? [instances, _session.Features] : [_session.Features];
        binding.Io.BindInput(_session.InputName, Value(binding, Input, rows, inputShape));
        for (int i = 0; i < _outputs.Length; i++)
            binding.Io.BindOutput(_outputs[i].Name, Value(binding, _buffers[i], rows, _outputs[i].Shape));
        return binding;
    }

    private static OrtValue Value(Binding binding, Memory<float> memory, int rows, IReadOnlyList<int> shape)
    {
        long[] sizes = [rows, .. shape.Select(size => (long)size)];
        int count = checked((int)sizes.Aggregate(1L, (product, size) => product * size));
        var value = OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, memory[..count], sizes);
        binding.Values.Add(value);
        return value;
    }

    private sealed record Binding(int Rows, OrtIoBinding Io, List<OrtValue> Values) : IDisposable
    {
        public void Dispose()
        {
            Io.Dispose();
            foreach (var value in Values)
                value.Dispose();
        }
    }
}
