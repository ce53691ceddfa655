using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Fused;

// Where a tile's samples and intermediate results are.
internal sealed unsafe partial class RowKernel<TOps, TVector>
{
    /// <summary>The features that are present in a tile, by feature and then by sample.</summary>
    private readonly struct Draws(TileDraws draws, int tile)
    {
        /// <summary>The number of each: <see cref="TileRun.Draw"/>.</summary>
        public int* Places { get; } = draws.Draws(tile);

        public float* Values { get; } = draws.Values(tile);

        public int Count { get; } = draws.Count(tile);

        /// <summary>Of each feature a bit for every sample that is there.</summary>
        public ulong* Candidates { get; } = draws.Candidates(tile);
    }

    /// <summary>Where a tile's intermediate results are.</summary>
    private readonly struct Room
    {
        public Room(RowKernel<TOps, TVector> kernel, float* floats, int run)
        {
            const int features = MaxWaiting + MaxDecoded;
            var arrays = new Arrays(floats);
            X = arrays.Take(Tile * (long)kernel.N * run);
            XRows = arrays.Take(Tile * MaxDecoded);
            HLanes = arrays.Take(Tile * kernel._width);
            DHLanes = arrays.Take(Tile * kernel._width);
            H = arrays.Take(Tile * kernel._rows);
            DH = arrays.Take(Tile * kernel._rows);
            G = arrays.Take(Tile * features);
            WaitingD = arrays.Take(features * kernel._rows);
            WaitingDD = arrays.Take(features * kernel._rows);
            List = (int*)arrays.Take(ListLength + DrawList.Spare);
            Values = arrays.Take(ListLength + Expansion.SpareSamples);
            Floats = arrays.Floats;
        }

        /// <summary>Floats that all of it takes.</summary>
        public long Floats { get; }

        /// <summary>x of dense samples, a run of tiles, [n, samples].</summary>
        public float* X { get; }

        /// <summary>x of the features that are decoded next, [4, samples].</summary>
        public float* XRows { get; }

        /// <summary>h, [m, samples].</summary>
        public float* HLanes { get; }

        /// <summary>∂L/∂h as far as it comes from products, [m, samples].</summary>
        public float* DHLanes { get; }

        /// <summary>h, [samples, mp].</summary>
        public float* H { get; }

        /// <summary>∂L/∂h, [samples, mp].</summary>
        public float* DH { get; }

        /// <summary>g of the features that wait, and after them of those that were decoded last, [features, samples].</summary>
        public float* G { get; }

        /// <summary>Their rows of the decoder, [waiting, mp].</summary>
        public float* WaitingD { get; }

        /// <summary>What the tile adds to the decoder's gradient, [waiting, mp].</summary>
        public float* WaitingDD { get; }

        /// <summary>Samples in which features are on that are on in few: <see cref="TileRun.Draw"/>.</summary>
        public int* List { get; }

        /// <summary>What is to be added there, g.</summary>
        public float* Values { get; }
    }
}
