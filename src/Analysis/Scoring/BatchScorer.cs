using Microsoft.ML.OnnxRuntime;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>Runs a model on batches. Input and outputs are arrays that every run uses again; one scorer belongs to one thread at a time.</summary>
internal sealed class BatchScorer : IDisposable
{
    private readonly ToyModelSession _session;
    private readonly OutputMemory _outputs;
    private readonly RunOptions _run = new();
    private readonly OrtIoBinding _binding;
    private OrtValue? _input;
    private OutputMemory? _bound;
    private int _rows;

    /// <param name="session">The model.</param>
    /// <param name="batchSize">Samples a run takes at most.</param>
    /// <param name="outputs">Outputs that are kept, in the order of <see cref="Output"/>; none where each run is told where to write.</param>
    /// <param name="input">Where samples are read from, [batchSize, instances, features]; its own array where none is given.</param>
    public BatchScorer(ToyModelSession session, int batchSize, IEnumerable<string> outputs, Memory<float>? input = null)
    {
        _session = session;
        _outputs = new OutputMemory(session, batchSize, outputs);
        Input = input ?? ToyModelSession.Allocate(checked(batchSize * session.InputSize));
        _binding = session.CreateBinding();
    }

    /// <summary>Samples to score, [batch, features] or [batch, instances, features].</summary>
    public Memory<float> Input { get; }

    /// <summary>Scores the first <paramref name="rows"/> samples of <see cref="Input"/>.</summary>
    public void Run(int rows) => Run(rows, _outputs);

    /// <summary>Scores the first <paramref name="rows"/> samples of <see cref="Input"/> into other memory.</summary>
    public void Run(int rows, OutputMemory into)
    {
        // What is bound already stays: all batches but the last have one size.
        if (rows != _rows)
        {
            _input?.Dispose();
            _input = ToyModelSession.Tensor(Input, rows, _session.Instances is { } instances ? [instances, _session.Features] : [_session.Features]);
            _binding.BindInput(_session.InputName, _input);
        }

        if (rows != _rows || into != _bound)
            into.Bind(_binding, rows);
        (_rows, _bound) = (rows, into);
        _session.Run(_run, _binding);
    }

    /// <summary>Values of the kept output <paramref name="index"/> after a run, [batch, ...].</summary>
    public ReadOnlySpan<float> Output(int index) => _outputs.Values(index);

    /// <summary>Values of some samples of the kept output <paramref name="index"/>.</summary>
    public ReadOnlySpan<float> Rows(int index, int first, int count) => _outputs.Rows(index, first, count);

    public void Dispose()
    {
        _binding.Dispose();
        _input?.Dispose();
        _outputs.Dispose();
        _run.Dispose();
    }
}
