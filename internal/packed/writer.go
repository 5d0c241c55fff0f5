package packed

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
)

// Writer compresses a text to one piece. It holds the piece, and as much of the
// text as matches may refer to.
type Writer struct {
	format Format
	to     io.Writer
	end    func() error
	out    bytes.Buffer
	sum    Checksum // of the text
}

// NewWriter returns a Writer for a text of about that size, or less.
func NewWriter(f Format, size int64) (*Writer, error) {
	p := &Writer{format: f}
	if f == Gzip {
		w, err := flate.NewWriter(&p.out, gzipLevel)
		if err != nil {
			return nil, err
		}
		p.to, p.end = w, w.Flush // not Close, which makes the block a final one
		return p, nil
	}
	w, err := newZstd(&p.out, size)
	if err != nil {
		return nil, err
	}
	p.to, p.end = w, w.Close
	return p, nil
}

// Write implements io.Writer.
func (p *Writer) Write(text []byte) (int, error) {
	p.sum.Write(text)
	return p.to.Write(text)
}

// Finish returns the piece and the checksum of its text, after it has read the
// piece once: a faulty compressor must not cost a batch, which is still on disk
// now.
func (p *Writer) Finish() (piece []byte, sum Checksum, err error) {
	if err := p.end(); err != nil {
		return nil, Checksum{}, err
	}
	p.to, p.end = nil, nil // reading takes memory too
	r, err := p.format.text(bytes.NewReader(p.out.Bytes()))
	if err != nil {
		return nil, Checksum{}, err
	}
	var read Checksum
	if _, err := io.Copy(&read, r); err != nil {
		return nil, Checksum{}, fmt.Errorf("what it was compressed to cannot be read: %w", err)
	}
	if read != p.sum {
		return nil, Checksum{}, errors.New("what it was compressed to reads differently")
	}
	return p.out.Bytes(), p.sum, nil
}
