using System.Reflection;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using ToyPipeline.Core;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>Writes and reads <see cref="ToyModelScoringTransformer"/> in ML.NET's model files: its options and the ONNX bytes.</summary>
/// <remarks>
/// ML.NET keeps what a transformer needs for this internal: the version header, the stream, the registration. They are reached by reflection,
/// here and nowhere else; a test of the round trip says when a version of ML.NET changes them.
/// </remarks>
internal static class ModelRepository
{
    private const string Signature = "ToyModelScorer";
    private const BindingFlags Members = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    private static readonly Assembly s_core = typeof(ITransformer).Assembly;

    public static void Save(ModelSaveContext context, ToyModelScoringOptions options, byte[] model)
    {
        // Format: version header; options as JSON (string); ONNX model (length, bytes).
        Method(typeof(ModelSaveContext), "CheckAtModel").Invoke(context, null);
        Method(typeof(ModelSaveContext), "SetVersionInfo").Invoke(context, [Version()]);
        var writer = (BinaryWriter)Field(typeof(ModelSaveContext), "Writer").GetValue(context)!;
        writer.Write(JsonSerializer.Serialize(options));
        writer.Write(model.Length);
        writer.Write(model);
    }

    /// <summary>Puts <see cref="Create"/> among the components that ML.NET can load; a second time changes nothing.</summary>
    public static void Register(ComponentCatalog catalog)
    {
        var loadSignature = Named("Microsoft.ML.SignatureLoadModel");
        object attribute = Activator.CreateInstance(
            Named("Microsoft.ML.LoadableClassAttribute"),
            [typeof(ITransformer), typeof(ModelRepository), null, loadSignature, "", new[] { Signature }])!;
        var create = Method(typeof(ModelRepository), nameof(Create));
        object info = Activator.CreateInstance(
            Named("Microsoft.ML.Runtime.ComponentCatalog+LoadableClassInfo"), Members, null, [attribute, null, null, create, true], null)!;
        Method(typeof(ComponentCatalog), "AddClass").Invoke(catalog, [info, new[] { Signature }, false]);
    }

    // ML.NET calls this with its ModelLoadContext, a type that has no name here.
    private static ToyModelScoringTransformer Create(IHostEnvironment environment, object context)
    {
        var type = context.GetType();
        type.GetMethod("CheckAtModel", [Named("Microsoft.ML.VersionInfo")])!.Invoke(context, [Version()]);
        var reader = (BinaryReader)Field(type, "Reader").GetValue(context)!;
        var options = JsonSerializer.Deserialize<ToyModelScoringOptions>(reader.ReadString())!;
        int length = reader.ReadInt32();
        byte[] model = reader.ReadBytes(length);
        return model.Length == length
            ? new ToyModelScoringTransformer(model, "The saved model", options)
            : throw new InvalidInputException($"The saved pipeline is truncated: {model.Length} of {length} bytes of its ONNX model are there.");
    }

    private static object Version() => Activator.CreateInstance(
        Named("Microsoft.ML.VersionInfo"),
        "TOYSCORE", 0x00010001u, 0x00010001u, 0x00010001u, typeof(ModelRepository).Assembly.FullName, Signature, null)!;

    private static Type Named(string name) => s_core.GetType(name) ?? throw Changed(name);

    private static MethodInfo Method(Type type, string name) => type.GetMethod(name, Members) ?? throw Changed($"{type.Name}.{name}");

    private static FieldInfo Field(Type type, string name) => type.GetField(name, Members) ?? throw Changed($"{type.Name}.{name}");

    private static EnvironmentFaultException Changed(string member) =>
        new($"This version of ML.NET ({s_core.GetName().Version}) has no {member}: pipelines with ScoreToyModel cannot be saved or loaded with it; use the version that ToyPipeline is built with.");
}
