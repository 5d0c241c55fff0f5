package packed

import (
	"io"

	"github.com/klauspost/compress/zstd"
)

// NewStream returns a writer that compresses a text of any length with zstd, and writes it
// to w. Close ends the text; it does not close w.
func NewStream(w io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(zstdWindow),
		zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
}
