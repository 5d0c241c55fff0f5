// Package input reads the text that fetches come in: files and pipes, compressed or not.
package input

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"example.com/rotatelog/internal/cutoff"
)

// MaxFetch is the size of the largest fetch that is accepted, in bytes.
const MaxFetch = 64 << 20

// Text returns a reader of the JSON text in r, which may be compressed with gzip
// or zstd. If r begins like something else that is not UTF-8, Read returns an error
// that says what to do. It reads no more of r than it needs to find that out.
func Text(r io.Reader) io.ReadCloser { return &text{src: r} }

type text struct {
	src    io.Reader
	in     io.Reader // nil: src has not been inspected
	kind   string    // of compression, "" for none
	finish func()    // ends decompression, nil for none
	err    error
}

// Read implements io.Reader.
func (t *text) Read(p []byte) (int, error) {
	if t.in == nil && t.err == nil {
		t.begin()
	}
	if t.err != nil {
		return 0, t.err
	}
	n, err := t.in.Read(p)
	if err != nil && err != io.EOF && t.kind != "" {
		err = t.undecompressed(err)
	}
	t.err = err
	return n, err
}

// undecompressed returns the error of compressed data that cannot be read.
func (t *text) undecompressed(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return cutoff.Errorf("the %s data is cut off: its end is missing", t.kind)
	}
	return fmt.Errorf("the %s data cannot be decompressed: %w", t.kind, err)
}

// Close ends decompression. It does not close what is read from.
func (t *text) Close() error {
	if t.finish != nil {
		t.finish()
	}
	return nil
}

// sign is how something that is not UTF-8 begins.
type sign struct {
	kind, bytes string
	remedy      string // "": it can be decompressed here
}

const (
	remedyUTF16 = "convert it: iconv -f utf-16 -t utf-8"
	remedyUTF32 = "convert it: iconv -f utf-32 -t utf-8"
)

// signs are in the order in which they are looked for.
var signs = []sign{
	{"gzip", "\x1f\x8b", ""},
	{"zstd", "\x28\xb5\x2f\xfd", ""},
	{"UTF-32 text", "\xff\xfe\x00\x00", remedyUTF32},
	{"UTF-32 text", "\x00\x00\xfe\xff", remedyUTF32},
	{"UTF-16 text", "\xff\xfe", remedyUTF16},
	{"UTF-16 text", "\xfe\xff", remedyUTF16},
	{"UTF-16 text", "{\x00", remedyUTF16 + ", with utf-16le in place of utf-16"},
	{"UTF-16 text", "[\x00", remedyUTF16 + ", with utf-16le in place of utf-16"},
	{"UTF-16 text", "\x00{", remedyUTF16 + ", with utf-16be in place of utf-16"},
	{"UTF-16 text", "\x00[", remedyUTF16 + ", with utf-16be in place of utf-16"},
	{"a zip file", "PK\x03\x04", "unpack it: unzip -p"},
	{"compressed with bzip2", "BZh", "unpack it: bzip2 -dc"},
	{"compressed with xz", "\xfd7zXZ\x00", "unpack it: xz -dc"},
	{"compressed with lz4", "\x04\x22\x4d\x18", "unpack it: lz4 -dc"},
	{"a 7z file", "7z\xbc\xaf\x27\x1c", "unpack it: 7z x -so"},
}

// begin inspects how src begins.
func (t *text) begin() {
	var head []byte
	for chunk := make([]byte, 512); ; {
		n, err := t.src.Read(chunk)
		head = append(head, chunk[:n]...)
		t.in = io.MultiReader(bytes.NewReader(head), t.src)
		if err != nil && err != io.EOF {
			t.in = io.MultiReader(bytes.NewReader(head), broken{err})
		}
		if s, more := signOf(head); s != nil {
			t.open(*s)
			return
		} else if err != nil || !more && len(head) > 0 {
			return
		}
	}
}

// broken is a reader that fails.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// signOf returns the sign with which head begins; if there is none, more reports
// whether more bytes may show one. A lone brace or bracket is taken for UTF-8, or a
// stream would hang.
func signOf(head []byte) (s *sign, more bool) {
	i := slices.IndexFunc(signs, func(s sign) bool { return bytes.HasPrefix(head, []byte(s.bytes)) })
	if i >= 0 {
		s = &signs[i]
		if s.bytes == "\xff\xfe" && len(head) < 4 { // then it may be UTF-32
			return nil, true
		}
		return s, false
	}
	return nil, len(head) > 0 && head[0] != '{' && head[0] != '[' && slices.ContainsFunc(signs, func(s sign) bool {
		return bytes.HasPrefix([]byte(s.bytes), head)
	})
}

// open begins to decompress, or says why the input cannot be read.
func (t *text) open(s sign) {
	switch {
	case s.remedy != "":
		t.err = fmt.Errorf("it is %s; %s", s.kind, s.remedy)
		return
	case s.kind == "zstd":
		d, err := zstd.NewReader(t.in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
		if t.err = err; err == nil {
			t.in, t.finish = d, d.Close
		}
	default:
		d, err := gzip.NewReader(t.in)
		t.in, t.err = d, err
	}
	t.kind = s.kind
	if t.err != nil {
		t.err = t.undecompressed(t.err)
	}
}
