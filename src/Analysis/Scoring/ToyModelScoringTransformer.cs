using Microsoft.ML;
using Microsoft.ML.Data;
using ToyPipeline.Analysis.Data;
using ToyPipeline.Core;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>Scores samples with an exported model: whole batches go to the session, rows come back one by one.</summary>
/// <remarks>Immutable and safe to use from several threads. The session lives until <see cref="Dispose"/>.</remarks>
public sealed class ToyModelScoringTransformer : ITransformer, IDisposable
{
    private readonly byte[] _model;
    private readonly BatchMemoryPool _pool;

    internal ToyModelScoringTransformer(byte[] model, string name, ToyModelScoringOptions options)
    {
        if (options.BatchSize < 1)
            throw new InvalidInputException($"The batch size is {options.BatchSize}; allowed: at least 1.");
        if (options.Threads < 0)
            throw new InvalidInputException($"The number of threads is {options.Threads}; allowed: at least 0.");
        _model = model;
        Options = options;
        Session = ToyModelSession.Open(options.OutputColumnNames is { } kept ? GraphOutputs.Keep(model, kept.ToHashSet()) : model, name, threads: 1);
        _pool = new BatchMemoryPool(Session, options.BatchSize, options.Threads > 0 ? options.Threads : Environment.ProcessorCount);
        try
        {
            Outputs = options.OutputColumnNames is { } names ? [.. names.Distinct().Select(Session.Output)] : Session.Outputs;
        }
        catch
        {
            Session.Dispose();
            throw;
        }
    }

    /// <summary>Columns, batch size, threads.</summary>
    public ToyModelScoringOptions Options { get; }

    /// <summary>Names of the columns that scoring adds.</summary>
    public IReadOnlyList<string> OutputColumnNames => [.. Outputs.Select(output => output.Name)];

    /// <inheritdoc/>
    public bool IsRowToRowMapper => true;

    internal ToyModelSession Session { get; }

    internal IReadOnlyList<ModelOutput> Outputs { get; }

    /// <summary>The schema after scoring.</summary>
    /// <exception cref="InvalidInputException">The samples' column is missing, or no float32 vector of n features.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var column = VectorColumn.Require(inputSchema, Options.InputColumnName);
        if (VectorColumn.Size(column) != Session.Features)
            throw new InvalidInputException($"Column {column.Name} has vectors of {VectorColumn.Size(column)} features where {Session.Name} takes {Session.Features}.");
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(inputSchema);
        foreach (var output in Outputs)
            builder.AddColumn(output.Name, ColumnType(output));
        return builder.ToSchema();
    }

    /// <summary>The data with the model's outputs as further columns; nothing runs before a cursor asks for them.</summary>
    /// <inheritdoc cref="GetOutputSchema" path="/exception"/>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new ScoredDataView(this, input);
    }

    /// <summary>Scores a view batch by batch, without rows: the path for measures over whole datasets.</summary>
    /// <param name="data">Samples; the column of <see cref="ToyModelScoringOptions.InputColumnName"/>.</param>
    /// <param name="outputs">Outputs to hand out, of those that become columns; all of them where none are named.</param>
    /// <returns>One <see cref="ScoredBatch"/> after the other, the same object each time; only the last has fewer rows than a batch.</returns>
    /// <inheritdoc cref="GetOutputSchema" path="/exception"/>
    public IEnumerable<ScoredBatch> ScoreBatches(IDataView data, params IReadOnlyList<string> outputs)
    {
        ArgumentNullException.ThrowIfNull(data);
        GetOutputSchema(data.Schema);
        string[] names = outputs.Count > 0 ? [.. outputs] : [.. OutputColumnNames];
        foreach (string name in names)
            Session.Output(name);
        return Batches();

        IEnumerable<ScoredBatch> Batches()
        {
            using var samples = SampleBatches.Open(data, Options.InputColumnName);
            using var reader = Read(samples, names);
            var batch = new ScoredBatch(reader, Session, names);
            while (reader.Next() is > 0 and var rows)
            {
                batch.FirstRow += batch.Rows;
                batch.Rows = rows;
                yield return batch;
            }
        }
    }

    /// <summary>Scores row by row, in batches of one: what <c>CreatePredictionEngine</c> uses. Views go by whole batches all the same.</summary>
    /// <inheritdoc cref="GetOutputSchema" path="/exception"/>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new ToyModelRowMapper(this, inputSchema);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pool.Dispose();
        Session.Dispose();
    }

    /// <summary>A reader of some outputs.</summary>
    internal BatchReader Read(SampleBatches samples, IReadOnlyList<string> outputs, bool bySlices = false) =>
        new(_pool, samples, outputs, bySlices);

    void ICanSaveModel.Save(ModelSaveContext ctx) => ModelRepository.Save(ctx, Options, _model);

    internal static DataViewType ColumnType(ModelOutput output) => new VectorDataViewType(NumberDataViewType.Single, output.Shape.ToArray());
}
