package archive

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"example.com/rotatelog/internal/packed"
)

// sheet is what rows are written to.
type sheet struct {
	text  *bufio.Writer
	below *countedWriter
	csv   *csv.Writer
	end   func() error
}

// countedWriter counts what is written.
type countedWriter struct {
	w io.Writer
	n int64
}

// Write implements io.Writer.
func (c *countedWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// newSheet returns what writes to w. CSV begins with its header.
func (e *exporter) newSheet(w io.Writer) (*sheet, error) {
	s := &sheet{below: &countedWriter{w: w}, end: func() error { return nil }}
	if e.opts.Zstd {
		z, err := packed.NewStream(w)
		if err != nil {
			return nil, err
		}
		s.below.w, s.end = z, z.Close
	}
	s.text = bufio.NewWriterSize(s.below, 64<<10)
	s.csv = csv.NewWriter(s.text) // which does not buffer once more
	if e.opts.Columns == nil {
		return s, nil
	}
	var names []string
	for _, path := range e.opts.Columns {
		names = append(names, strings.Join(path, "."))
	}
	return s, s.record(names)
}

// write writes pieces of text.
func (s *sheet) write(pieces ...[]byte) error {
	for _, p := range pieces {
		if _, err := s.text.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// record writes a record of CSV. One empty cell would be an empty line, which readers skip.
func (s *sheet) record(cells []string) error {
	if len(cells) == 1 && cells[0] == "" {
		return s.write([]byte("\"\"\n"))
	}
	return s.csv.Write(cells)
}

// written returns how much was written, before it was compressed.
func (s *sheet) written() int64 { return s.below.n + int64(s.text.Buffered()) }

func (s *sheet) flush() error { return s.text.Flush() }

// close writes what is left. It has to be called once, also after an error.
func (s *sheet) close() error { return errors.Join(s.flush(), s.end()) }
