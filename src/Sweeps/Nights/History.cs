using System.Globalization;
using Microsoft.Data.Sqlite;
using ToyPipeline.Core;

namespace ToyPipeline.Sweeps.Nights;

/// <summary>The history of the nights, <c>history.sqlite</c>: every change is one transaction, so that a night killed at any moment leaves it whole.</summary>
/// <remarks>What reading or writing it may throw: <see cref="InvalidInputException"/> where it is damaged, <see cref="EnvironmentFaultException"/> where the disk is full or read-only.</remarks>
internal sealed class History : IDisposable
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "history.sqlite";

    private readonly SqliteConnection _connection;
    private readonly string _path;

    private History(SqliteConnection connection, string path) => (_connection, _path) = (connection, path);

    /// <summary>Opens the history of a folder, and makes it where there is none.</summary>
    /// <param name="folder">Folder of the nights.</param>
    /// <exception cref="InvalidInputException">It is damaged, another program's, or of a newer version.</exception>
    /// <exception cref="EnvironmentFaultException">It cannot be read or written.</exception>
    public static History Open(string folder)
    {
        string path = Path.Combine(folder, FileName);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, ForeignKeys = true }.ToString());
        try
        {
            Guarded(path, () =>
            {
                connection.Open();
                // On disk before it counts: a night may be killed by a power cut.
                using (var command = connection.CreateCommand())
                {
                    command.CommandText = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL";
                    command.ExecuteNonQuery();
                }

                HistorySchema.Prepare(connection, path);
                return true;
            });
            return new History(connection, path);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    /// <summary>Writes down that nights which never finished did not; how many there were.</summary>
    public int CloseUnfinished() => Execute("UPDATE nights SET status = 'unfinished' WHERE status = 'running'");

    /// <summary>Begins a night and returns its number.</summary>
    public long Begin(DateTime started, string folder, Machine machine, IReadOnlyDictionary<string, string> versions) => Transaction(() =>
    {
        Execute("INSERT OR IGNORE INTO machines (name, system, processor, cores) VALUES (@0, @1, @2, @3)", machine.Name, machine.System, machine.Processor, machine.Cores);
        Execute(
            "INSERT INTO nights (started, folder, status, machine) SELECT @0, @1, 'running', id FROM machines WHERE name = @2 AND system = @3 AND processor = @4 AND cores = @5",
            Text(started), folder, machine.Name, machine.System, machine.Processor, machine.Cores);
        long night = LastId();
        foreach (var (name, version) in versions)
            Execute("INSERT INTO versions VALUES (@0, @1, @2)", night, name, version);
        return night;
    });

    /// <summary>Adds a run with all that it measured.</summary>
    public void Add(long night, RunRecord run) => Transaction(() =>
    {
        Execute("INSERT INTO runs (night, experiment, file, exit_code, seconds, error, spec) VALUES (@0, @1, @2, @3, @4, @5, @6)",
            night, run.Experiment, run.File, run.ExitCode, run.Seconds, run.Error, run.Spec);
        long id = LastId();
        foreach (var metric in run.Metrics)
            Execute("INSERT INTO metrics VALUES (@0, @1, @2, @3, @4)", id, metric.At, metric.Name, metric.Number, metric.Text);
        foreach (var (index, claim) in run.Claims.Index())
            Execute("INSERT INTO claims VALUES (@0, @1, @2, @3, @4, @5, @6, @7)", id, index, claim.At, claim.Measure, claim.Comparison, claim.Expected, claim.Measured, claim.Holds ? 1 : 0);
        return id;
    });

    /// <summary>Ends a night with its outcome and all that it found.</summary>
    public void Finish(long night, DateTime finished, NightStatus status, IReadOnlyList<Finding> findings) => Transaction(() =>
    {
        foreach (var (index, finding) in findings.Index())
        {
            Execute("INSERT INTO findings VALUES (@0, @1, @2, @3, @4, @5, @6, @7, @8)",
                night, index, finding.Kind.ToString(), finding.Experiment, finding.At, finding.Name, finding.Before, finding.Now, finding.Limit);
        }

        return Execute("UPDATE nights SET finished = @1, status = @2 WHERE number = @0", night, Text(finished), Text(status));
    });

    /// <summary>Takes a finished night as the one to compare with.</summary>
    public void Accept(long night) => Execute("UPDATE nights SET status = 'accepted' WHERE number = @0", night);

    /// <summary>Writes down that a night's folder is gone.</summary>
    public void MarkPruned(long night) => Execute("UPDATE nights SET pruned = 1 WHERE number = @0", night);

    /// <summary>All nights in order.</summary>
    public IReadOnlyList<NightRecord> Nights() => Query(
        "SELECT number, started, finished, folder, status, pruned, name, system, processor, cores FROM nights JOIN machines ON machines.id = nights.machine ORDER BY number",
        row => new NightRecord(
            row.GetInt64(0), Time(row.GetString(1)), row.IsDBNull(2) ? null : Time(row.GetString(2)), row.GetString(3), Enum.Parse<NightStatus>(row.GetString(4), ignoreCase: true),
            row.GetInt64(5) != 0, new Machine(row.GetString(6), row.GetString(7), row.GetString(8), row.GetInt32(9))));

    /// <summary>The runs of a night, with what they measured, in order.</summary>
    public IReadOnlyList<RunRecord> Runs(long night)
    {
        var metrics = Query(
            "SELECT run, place, metrics.name, number, text FROM metrics JOIN runs ON runs.id = metrics.run WHERE night = @0",
            row => (Run: row.GetInt64(0), Value: new MetricValue(row.GetString(1), row.GetString(2), row.IsDBNull(3) ? null : row.GetDouble(3), row.IsDBNull(4) ? null : row.GetString(4))),
            night).ToLookup(row => row.Run, row => row.Value);
        var claims = Query(
            "SELECT run, place, measure, comparison, expected, measured, holds FROM claims JOIN runs ON runs.id = claims.run WHERE night = @0 ORDER BY run, claim",
            row => (Run: row.GetInt64(0), Value: new ClaimValue(row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5), row.GetInt64(6) != 0)),
            night).ToLookup(row => row.Run, row => row.Value);
        return Query(
            "SELECT id, experiment, file, exit_code, seconds, error, spec FROM runs WHERE night = @0 ORDER BY id",
            row => new RunRecord(
                row.GetString(1), row.GetString(2), row.GetInt32(3), row.GetDouble(4), row.IsDBNull(5) ? null : row.GetString(5), row.GetString(6),
                [.. metrics[row.GetInt64(0)]], [.. claims[row.GetInt64(0)]]),
            night);
    }

    /// <summary>What a night found, in order.</summary>
    public IReadOnlyList<Finding> Findings(long night) => Query(
        "SELECT kind, experiment, place, name, before, now, allowed FROM findings WHERE night = @0 ORDER BY finding",
        row => new Finding(Enum.Parse<FindingKind>(row.GetString(0)), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5), row.GetString(6)),
        night);

    /// <summary>What a night ran with, by name.</summary>
    public IReadOnlyDictionary<string, string> Versions(long night) =>
        Query("SELECT name, version FROM versions WHERE night = @0", row => (row.GetString(0), row.GetString(1)), night).ToDictionary();

    private long LastId() => Query("SELECT last_insert_rowid()", row => row.GetInt64(0))[0];

    private int Execute(string sql, params object?[] values) => Guarded(_path, () =>
    {
        using var command = Command(sql, values);
        return command.ExecuteNonQuery();
    });

    private List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params object?[] values) => Guarded(_path, () =>
    {
        using var command = Command(sql, values);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    });

    private T Transaction<T>(Func<T> work) => Guarded(_path, () =>
    {
        using var transaction = _connection.BeginTransaction();
        var result = work();
        transaction.Commit();
        return result;
    });

    private SqliteCommand Command(string sql, object?[] values)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (index, value) in values.Index())
            command.Parameters.AddWithValue($"@{index.ToString(CultureInfo.InvariantCulture)}", value ?? DBNull.Value);
        return command;
    }

    // SQLite's own codes: 8 read-only, 10 input or output, 13 full, 14 cannot open; 11 and 26 are a damaged file.
    private static T Guarded<T>(string path, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (SqliteException e) when (e.SqliteErrorCode is 11 or 26)
        {
            throw HistorySchema.Damaged(path, Reason(e), e);
        }
        catch (SqliteException e)
        {
            string cause = e.SqliteErrorCode switch { 8 => "the file or its disk is read-only", 13 => "the disk is full", _ => Reason(e) };
            throw new EnvironmentFaultException($"The history {path} cannot be written: {cause}. Free space, mount it for writing, or choose another folder with --artifacts.", e);
        }
        catch (Exception e) when (e is FormatException or InvalidCastException || (e is ArgumentException and not ArgumentNullException))
        {
            throw HistorySchema.Damaged(path, $"a value that it never writes: {e.Message}", e);
        }
    }

    // SQLite Error 26: 'file is not a database'.
    private static string Reason(SqliteException e) => e.Message.Split('\'') is [_, var reason, ..] ? reason : e.Message;

    private static string Text(DateTime time) => time.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    private static DateTime Time(string text) => DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);

    private static string Text(NightStatus status) => status.ToString().ToLowerInvariant();
}
