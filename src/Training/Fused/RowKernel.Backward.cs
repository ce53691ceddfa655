using System.Numerics;
using System.Runtime.CompilerServices;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Fused;

// From ∂L/∂z to ∂L/∂h and ∂L/∂D, feature by feature, each by what costs least for the number of samples in which g is not 0.
internal sealed unsafe partial class RowKernel<TOps, TVector>
{
    // Features that are on in many samples wait until there are so many of them: then they go through blocked products together.
    private const int MaxWaiting = 32;

    // Of a feature's products, m for ∂L/∂h and mp for ∂L/∂D, a list takes twice mp for each sample in which the output is on, and longer for each.
    private const double ListShare = 0.4;

    // Features that are on in at most so many samples share a list: the end of one of their own would come by surprise every time.
    private const int MaxShared = 12;

    // So many entries of the shared list stay in the first-level cache.
    private const int ListLength = 1024;

    // Of a few features, decoded last. On its own: Decode has enough to keep in registers.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Backward(int first, int rows, ulong* on, int count, ulong* candidates, ref Pending pending, in ModelParts model, in Room room)
    {
        float* g = room.G + (pending.Waiting * Tile);
        for (int r = 0; r < rows; r++, g += Tile)
        {
            int i = first + r;
            ulong active = ReluOutput ? on[r] : ulong.MaxValue;
            if (model.Linear != null)
            {
                ulong linear = model.Linear[i] != 0 ? ulong.MaxValue : 0;
                active = (active ^ linear) | (~linear & (candidates == null ? ulong.MaxValue : candidates[r]));
            }

            active &= ulong.MaxValue >> (Tile - count);
            if (active == 0)
                continue;
            long row = (long)i * _rows;
            int samples = BitOperations.PopCount(active);
            if (samples <= MaxShared)
            {
                DrawList.Append(TOps.Set, active, TileRun.Draw(i, 0), room.List + pending.Listed);
                Expansion.Read(TOps.Set, active, g, room.Values + pending.Listed);
                pending.Listed += samples;
            }
            else if (samples <= _listsUpTo)
                ListKernel<TOps, TVector>.Backward(model.Decoder + row, model.DDecoder + row, active, g, room.H, room.DH, _rows);
            else
            {
                Copy(g, room.G + (pending.Waiting * Tile), Tile);
                Copy(model.Decoder + row, room.WaitingD + (pending.Waiting * _rows), _rows);
                pending.Features[pending.Waiting++] = i;
            }
        }

        if (pending.Listed > ListLength - (MaxDecoded * MaxShared))
            BackwardListed(ref pending, in model, in room);
        if (pending.Waiting >= MaxWaiting)
            BackwardWaiting(ref pending, in model, in room);
    }

    private void BackwardListed(ref Pending pending, in ModelParts model, in Room room)
    {
        ListKernel<TOps, TVector>.Backward(model.Decoder, model.DDecoder, room.List, room.Values, pending.Listed, room.H, room.DH, _rows);
        pending.Listed = 0;
    }

    private void BackwardWaiting(ref Pending pending, in ModelParts model, in Room room)
    {
        int count = pending.Waiting;
        if (count == 0)
            return;
        for (int start = 0; start < Tile; start += SampleLanes<TOps, TVector>.Samples)
            SampleLanes<TOps, TVector>.Project(room.WaitingD, _rows, room.G + start, Tile, count, M, room.DHLanes + start, Tile, pending.Projected);
        BlockKernel<TOps, TVector>.Multiply(room.G, Tile, count, Tile, room.H, _rows, _width, Zeros, 0, room.WaitingDD, _rows);
        for (int p = 0; p < count; p++)
        {
            float* sums = model.DDecoder + ((long)pending.Features[p] * _rows);
            float* part = room.WaitingDD + (p * _rows);
            for (int e = 0; e < _rows; e += TOps.Lanes)
                TOps.Store(TOps.Add(TOps.Load(sums + e), TOps.Load(part + e)), sums + e);
        }

        (pending.Waiting, pending.Projected) = (0, true);
    }

    private static void Copy(float* from, float* to, int count)
    {
        if (from == to)
            return;
        for (int e = 0; e < count; e += TOps.Lanes)
            TOps.Store(TOps.Load(from + e), to + e);
    }

    /// <summary>What is put off until there is more of it.</summary>
    /// <param name="features">Room for the numbers of features that wait.</param>
    private struct Pending(int* features)
    {
        /// <summary>Features that wait.</summary>
        public int* Features { get; } = features;

        public int Waiting { get; set; }

        /// <summary>Entries of the shared list.</summary>
        public int Listed { get; set; }

        /// <summary>Whether a part of ∂L/∂h is in <see cref="Room.DHLanes"/>.</summary>
        public bool Projected { get; set; }
    }
}
