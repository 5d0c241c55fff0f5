package packed

import (
	"io"

	"github.com/klauspost/compress/zstd"
)

// NewFrameWriter returns a writer whose text goes to w as one zstd frame with a
// checksum, which Close ends. size is about how long the text will be, in bytes.
func NewFrameWriter(w io.Writer, size int64) (io.WriteCloser, error) {
	return newZstd(w, size)
}

// NewFrameReader returns a reader of the text of a zstd frame, with which r must end. The
// text may be wrong until the reader has returned [io.EOF], since the checksum is last.
func NewFrameReader(r io.Reader) (io.Reader, error) { return Zstd.text(r) }

// newZstd returns a compressor for a text of about that size, or less.
func newZstd(w io.Writer, size int64) (*zstd.Encoder, error) {
	window, level := zstdWindow, zstd.SpeedBetterCompression
	if size <= smallText {
		window, level = smallText, zstd.SpeedDefault
	}
	return zstd.NewWriter(w, zstd.WithEncoderLevel(level), zstd.WithWindowSize(window),
		zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
}
