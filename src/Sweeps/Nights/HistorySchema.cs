using Microsoft.Data.Sqlite;
using ToyPipeline.Core;

namespace ToyPipeline.Sweeps.Nights;

/// <summary>The tables of the history, and how an older file becomes one of today.</summary>
internal static class HistorySchema
{
    /// <summary>"toyN" in the file's header: this is a history and no other database.</summary>
    private const long ApplicationId = 0x746f794e;

    // Step i takes a file of version i to version i + 1. Steps are added, never changed: there are files of every version.
    private static readonly string[] s_steps =
    [
        """
        CREATE TABLE machines (
          id INTEGER PRIMARY KEY, name TEXT NOT NULL, system TEXT NOT NULL, processor TEXT NOT NULL, cores INTEGER NOT NULL,
          UNIQUE (name, system, processor, cores)) STRICT;
        CREATE TABLE nights (
          number INTEGER PRIMARY KEY AUTOINCREMENT, started TEXT NOT NULL, finished TEXT, folder TEXT NOT NULL UNIQUE,
          status TEXT NOT NULL CHECK (status IN ('running', 'unfinished', 'good', 'bad', 'accepted')),
          pruned INTEGER NOT NULL DEFAULT 0, machine INTEGER NOT NULL REFERENCES machines (id)) STRICT;
        CREATE TABLE versions (
          night INTEGER NOT NULL REFERENCES nights (number), name TEXT NOT NULL, version TEXT NOT NULL, PRIMARY KEY (night, name)) STRICT;
        CREATE TABLE runs (
          id INTEGER PRIMARY KEY, night INTEGER NOT NULL REFERENCES nights (number), experiment TEXT NOT NULL, file TEXT NOT NULL,
          exit_code INTEGER NOT NULL, seconds REAL NOT NULL, error TEXT, spec TEXT NOT NULL, UNIQUE (night, experiment)) STRICT;
        CREATE TABLE metrics (
          run INTEGER NOT NULL REFERENCES runs (id), place TEXT NOT NULL, name TEXT NOT NULL, number REAL, text TEXT,
          PRIMARY KEY (run, place, name)) STRICT, WITHOUT ROWID;
        CREATE TABLE claims (
          run INTEGER NOT NULL REFERENCES runs (id), claim INTEGER NOT NULL, place TEXT NOT NULL, measure TEXT NOT NULL, comparison TEXT NOT NULL,
          expected TEXT NOT NULL, measured TEXT NOT NULL, holds INTEGER NOT NULL, PRIMARY KEY (run, claim)) STRICT, WITHOUT ROWID;
        CREATE TABLE findings (
          night INTEGER NOT NULL REFERENCES nights (number), finding INTEGER NOT NULL, kind TEXT NOT NULL, experiment TEXT NOT NULL, place TEXT NOT NULL,
          name TEXT NOT NULL, before TEXT NOT NULL, now TEXT NOT NULL, allowed TEXT NOT NULL, PRIMARY KEY (night, finding)) STRICT, WITHOUT ROWID;
        """,
    ];

    /// <summary>The version of files that are written today.</summary>
    public static int Version => s_steps.Length;

    /// <summary>Checks that the file is a whole history, and brings an older one to today's version in one transaction.</summary>
    /// <exception cref="InvalidInputException">It is damaged, another program's, or of a newer version.</exception>
    public static void Prepare(SqliteConnection connection, string path)
    {
        string verdict = (string)Scalar(connection, "PRAGMA quick_check(1)")!;
        if (verdict != "ok")
            throw Damaged(path, verdict, null);
        long version = (long)Scalar(connection, "PRAGMA user_version")!, owner = (long)Scalar(connection, "PRAGMA application_id")!;
        bool empty = (long)Scalar(connection, "SELECT count(*) FROM sqlite_schema")! == 0;
        if (!empty && owner != ApplicationId)
            throw new InvalidInputException($"{path} is a database, but not a history of nights; move it away, or choose another folder with --artifacts.");
        if (version > Version)
            throw new InvalidInputException($"{path} is a history of version {version}, and this ToyPipeline knows versions up to {Version}: run the newer ToyPipeline that wrote it.");
        if (version == Version)
            return;
        using var transaction = connection.BeginTransaction();
        Execute(connection, string.Concat(s_steps.Skip(empty ? 0 : (int)version)));
        Execute(connection, $"PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {Version}");
        transaction.Commit();
    }

    /// <summary>What a damaged file is told as.</summary>
    public static InvalidInputException Damaged(string path, string what, Exception? inner) => new(
        $"The history {path} is damaged ({what.Split('\n')[0].TrimEnd('.')}): put a copy of it back, or move it away, and the next night begins a new one.", inner!);

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
