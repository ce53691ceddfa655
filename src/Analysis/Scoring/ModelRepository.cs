using System.Reflection;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>Writes and reads our transformers in ML.NET's model files: options as JSON and one block of bytes each.</summary>
/// <remarks>
/// ML.NET keeps what a transformer needs for this internal: the version header, the stream, the registration. They are reached by reflection,
/// here and nowhere else; tests of the round trips say when a version of ML.NET changes them.
/// </remarks>
internal static class ModelRepository
{
    private const BindingFlags Members = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    private static readonly Format s_scorer = new("ToyModelScorer", "TOYSCORE", nameof(CreateScorer));
    private static readonly Format s_interference = new("ToyInterference", "TOYINTER", nameof(CreateInterference));

    private static readonly Assembly s_core = typeof(ITransformer).Assembly;

    public static void Save(ModelSaveContext context, ToyModelScoringOptions options, byte[] model) => Save(context, s_scorer, options, model);

    public static void Save(ModelSaveContext context, InterferenceOptions options, OwnResponse response) =>
        Save(context, s_interference, options, JsonSerializer.SerializeToUtf8Bytes(response));

    /// <summary>Puts our transformers among the components that ML.NET can load; a second time changes nothing.</summary>
    public static void Register(ComponentCatalog catalog)
    {
        foreach (var format in (ReadOnlySpan<Format>)[s_scorer, s_interference])
        {
            var loadSignature = Named("Microsoft.ML.SignatureLoadModel");
            object attribute = Activator.CreateInstance(
                Named("Microsoft.ML.LoadableClassAttribute"),
                [typeof(ITransformer), typeof(ModelRepository), null, loadSignature, "", new[] { format.Signature }])!;
            var create = Method(typeof(ModelRepository), format.Creator);
            object info = Activator.CreateInstance(
                Named("Microsoft.ML.Runtime.ComponentCatalog+LoadableClassInfo"), Members, null, [attribute, null, null, create, true], null)!;
            Method(typeof(ComponentCatalog), "AddClass").Invoke(catalog, [info, new[] { format.Signature }, false]);
        }
    }

    // ML.NET calls these with its ModelLoadContext, a type that has no name here.
    private static ToyModelScoringTransformer CreateScorer(IHostEnvironment environment, object context)
    {
        var (options, model) = Load<ToyModelScoringOptions>(context, s_scorer);
        return new ToyModelScoringTransformer(model, "The saved model", options);
    }

    private static InterferenceTransformer CreateInterference(IHostEnvironment environment, object context)
    {
        var (options, response) = Load<InterferenceOptions>(context, s_interference);
        return new InterferenceTransformer(JsonSerializer.Deserialize<OwnResponse>(response)!, options);
    }

    // Version header; options as JSON (string); length of the block, the block.
    private static void Save<T>(ModelSaveContext context, Format format, T options, byte[] block)
    {
        Method(typeof(ModelSaveContext), "CheckAtModel").Invoke(context, null);
        Method(typeof(ModelSaveContext), "SetVersionInfo").Invoke(context, [Version(format)]);
        var writer = (BinaryWriter)Field(typeof(ModelSaveContext), "Writer").GetValue(context)!;
        writer.Write(JsonSerializer.Serialize(options));
        writer.Write(block.Length);
        writer.Write(block);
    }

    private static (T Options, byte[] Block) Load<T>(object context, Format format)
    {
        var type = context.GetType();
        type.GetMethod("CheckAtModel", [Named("Microsoft.ML.VersionInfo")])!.Invoke(context, [Version(format)]);
        var reader = (BinaryReader)Field(type, "Reader").GetValue(context)!;
        var options = JsonSerializer.Deserialize<T>(reader.ReadString())!;
        int length = reader.ReadInt32();
        byte[] block = reader.ReadBytes(length);
        return block.Length == length
            ? (options, block)
            : throw new InvalidInputException($"The saved pipeline is truncated: of {format.Signature} {block.Length} of {length} bytes are there.");
    }

    private static object Version(Format format) => Activator.CreateInstance(
        Named("Microsoft.ML.VersionInfo"),
        format.Magic, 0x00010001u, 0x00010001u, 0x00010001u, typeof(ModelRepository).Assembly.FullName, format.Signature, null)!;

    private static Type Named(string name) => s_core.GetType(name) ?? throw Changed(name);

    private static MethodInfo Method(Type type, string name) => type.GetMethod(name, Members) ?? throw Changed($"{type.Name}.{name}");

    private static FieldInfo Field(Type type, string name) => type.GetField(name, Members) ?? throw Changed($"{type.Name}.{name}");

    private static EnvironmentFaultException Changed(string member) =>
        new($"This version of ML.NET ({s_core.GetName().Version}) has no {member}: pipelines of ToyPipeline cannot be saved or loaded with it; use the version that ToyPipeline is built with.");

    /// <param name="Signature">What ML.NET calls the transformer's loader.</param>
    /// <param name="Magic">Eight letters at the start of its block.</param>
    /// <param name="Creator">Method here that makes the transformer from its block.</param>
    private sealed record Format(string Signature, string Magic, string Creator);
}
