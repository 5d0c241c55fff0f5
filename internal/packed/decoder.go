package packed

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// text returns a reader of the text of compressed pieces, with which r must end. It
// holds a window. Without concurrency it need not be closed.
func (f Format) text(r io.Reader) (io.Reader, error) {
	if f == Zstd {
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderMaxMemory(zstdWindow))
	}
	// A final block without text: what comes before it must end at a byte
	// boundary, and not be final itself.
	in := bufio.NewReader(io.MultiReader(r, bytes.NewReader(f.storedHeader(0, true))))
	return &inflater{in, flate.NewReader(in)}, nil
}

// inflater reads deflated text that must continue to the end of in.
type inflater struct {
	in   *bufio.Reader // flate reads from it no more than it uses
	text io.Reader
}

// Read implements io.Reader.
func (f *inflater) Read(p []byte) (int, error) {
	n, err := f.text.Read(p)
	if err == io.EOF {
		if _, more := f.in.ReadByte(); more != io.EOF {
			err = errors.New("there is more after the final block")
		}
	}
	return n, err
}
