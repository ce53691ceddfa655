using TorchSharp;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;
using static TorchSharp.torch;

namespace ToyPipeline.Training;

/// <summary>A model as <c>torch.jit.save</c> writes it: named parameters, and a program that computes its output.</summary>
/// <remarks>Reading the file runs libtorch's loader, and asking for outputs runs the program in it: load files only from people whose programs you would run.</remarks>
public sealed class TorchScript : IDisposable
{
    private readonly jit.ScriptModule<torch.Tensor, torch.Tensor> _module;

    private TorchScript(jit.ScriptModule<torch.Tensor, torch.Tensor> module, string file)
    {
        _module = module;
        Content = new NamedTensors(
            _module.named_parameters().Select(pair => (Name: pair.name, Values: (torch.Tensor)pair.parameter))
                .Concat(_module.named_buffers().Select(pair => (Name: pair.name, Values: pair.buffer)))
                .Where(pair => pair.Values.is_floating_point()).DistinctBy(pair => pair.Name).ToDictionary(pair => pair.Name, pair => Taken(pair.Values)),
            new Dictionary<string, string>(),
            x => Forward(x, file));
    }

    /// <summary>Its parameters and what it computes, valid until it is disposed.</summary>
    public NamedTensors Content { get; }

    /// <summary>Loads a file.</summary>
    /// <exception cref="InvalidInputException">The file is no TorchScript.</exception>
    /// <exception cref="EnvironmentFaultException">libtorch does not load.</exception>
    public static TorchScript Load(string path)
    {
        TrainStage.RequireTorch();
        try
        {
            var module = jit.load<torch.Tensor, torch.Tensor>(path);
            module.eval();
            return new TorchScript(module, path);
        }
        catch (Exception e) when (e is System.Runtime.InteropServices.ExternalException or InvalidOperationException or ArgumentException)
        {
            throw new InvalidInputException($"{path} is no TorchScript that libtorch can load; save the model with torch.jit.script(model).save(...), or its weights as safetensors.", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _module.Dispose();

    private Core.Formats.Tensor Forward(Core.Formats.Tensor x, string file)
    {
        using var scope = NewDisposeScope();
        using var no = no_grad();
        try
        {
            var type = _module.parameters().Select(parameter => parameter.dtype).FirstOrDefault(ScalarType.Float32);
            return Taken(_module.call(tensor(x.Values, [.. x.Shape.Select(size => (long)size)]).to(type)));
        }
        catch (Exception e) when (e is System.Runtime.InteropServices.ExternalException or InvalidOperationException or InvalidCastException or ArgumentException)
        {
            throw new InvalidInputException($"{file} does not run on [{string.Join(", ", x.Shape)}] values: {e.Message.Split('\n')[^1].Trim()} It should take x [batch, features] and give one tensor.", e);
        }
    }

    private static Core.Formats.Tensor Taken(torch.Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return new([.. tensor.shape.Select(size => checked((int)size))], tensor.detach().to(ScalarType.Float32).contiguous().data<float>().ToArray());
    }
}
