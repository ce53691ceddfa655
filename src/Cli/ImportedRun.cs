using ToyPipeline.Cli.Output;
using ToyPipeline.Core;
using ToyPipeline.Core.Runs;
using ToyPipeline.Export.Import;
using ToyPipeline.Training;

namespace ToyPipeline.Cli;

/// <summary>Makes a run of a model that was trained elsewhere: import in place of training, then the stages that follow it.</summary>
internal static class ImportedRun
{
    public static ExitCode Run(string file, string? data, ImportOptions options, string artifacts, bool force, IOutput output, CancellationToken cancellation)
    {
        // All that is foreign is read and checked before a folder is made.
        var model = Load(file, options);
        var dataset = data is null ? null : ImportedDataset.Load(data);
        var experiment = ImportStage.Experiment(model, dataset, options);
        string root = Path.Combine(artifacts, experiment.Name);
        bool isNew = !Directory.Exists(root);
        if (!isNew && File.Exists(Path.Combine(root, "experiment.yaml")) && !ImportStage.Imported(RunManifest.Load(root)))
            throw new InvalidInputException($"{root} holds a run that was not imported: choose another --name.");
        try
        {
            using var run = RunFolder.Open(artifacts, experiment, force, tell: output.Note);
            output.Start(experiment, run.Root);
            output.Stage(ImportStage.Name, _ => ImportStage.Run(run, model, dataset));
        }
        catch when (isNew && Directory.Exists(root))
        {
            Directory.Delete(root, recursive: true);
            throw;
        }

        using var imported = RunFolder.Open(artifacts, experiment, force, tell: output.Note);
        return Pipeline.Run(imported, StagesOf(imported.Manifest, Pipeline.Stages, file), csv: false, output, cancellation);
    }

    /// <summary>The stages of an imported run among <paramref name="wanted"/>: what was imported is neither drawn nor trained.</summary>
    /// <exception cref="InvalidInputException">None is left: the run was imported, and training it would replace it.</exception>
    public static IReadOnlyList<string> StagesOf(RunManifest manifest, IReadOnlyList<string> wanted, string file)
    {
        if (!ImportStage.Imported(manifest))
            return wanted;
        var left = wanted.Where(stage => stage switch
        {
            "generate" => !ImportStage.HasDataset(manifest),
            "train" => false,
            "export" => !ImportStage.HasOutputsOnly(manifest),
            _ => true,
        }).ToList();
        return left.Count > 0
            ? left
            : throw new InvalidInputException($"{file} is the experiment of an imported run, for which there is nothing to {wanted[0]}: `toy import` makes it again, and `toy analyze` measures it.");
    }

    private static ImportedModel Load(string file, ImportOptions options)
    {
        if (!File.Exists(file))
            throw new InvalidInputException(Directory.Exists(file) ? $"{file} is a folder, not a model file." : $"There is no file {file}.");
        switch (Path.GetExtension(file).ToLowerInvariant())
        {
            case ".onnx":
                return ImportedModel.FromOnnx(file, options);
            case ".safetensors":
                return ImportedModel.FromSafetensors(file, options);
            case ".pt" or ".pth" or ".ts":
                using (var script = TorchScript.Load(file))
                    return ImportedModel.FromTensors(script.Content, file, options);
            default:
                throw new InvalidInputException($"{file} is no model that can be imported; allowed: .onnx, .safetensors, and .pt with TorchScript.");
        }
    }
}
