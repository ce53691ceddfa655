using System.Runtime.InteropServices;

namespace ToyPipeline.Training.Fused;

/// <summary>Floats outside the garbage collector's heap, aligned to a cache line, zero at first.</summary>
internal sealed unsafe class AlignedBuffer : IDisposable
{
    private const nuint Alignment = 64;

    public AlignedBuffer(long floats)
    {
        // A little more than asked for, so that whole vectors may be written at the end.
        nuint bytes = (nuint)((floats + 32) * sizeof(float));
        Pointer = (float*)NativeMemory.AlignedAlloc(bytes, Alignment);
        NativeMemory.Clear(Pointer, bytes);
    }

    ~AlignedBuffer() => Free();

    public float* Pointer { get; private set; }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
    }
}
