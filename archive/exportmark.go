package archive

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"example.com/rotatelog"
)

// exportMark lies next to an exported day, and says what it was made from. Its name begins
// with a dot, so that no engine takes it for data.
type exportMark struct {
	Key     string            `json:"key"`
	Version rotatelog.Version `json:"version"`
	Options string            `json:"options"`
	Fetches int               `json:"fetches"`
	Without int               `json:"without,omitempty"`
	Rows    int64             `json:"rows"`
	Bytes   int64             `json:"bytes"`
	Looked  int64             `json:"looked"`
	Lacks   []Lack            `json:"lacks,omitempty"`
	// The size of the file and when it was written, in nanoseconds: an export that runs at
	// the same time may have replaced it since. Both are 0 if there are no rows.
	Size    int64 `json:"file_size"`
	Written int64 `json:"file_written"`
}

// markName returns the name of the mark of a file.
func markName(file string) string {
	return filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".mark")
}

// text returns the options as far as they decide what is in a file.
func (o ExportOptions) text() string {
	b, err := json.Marshal(struct {
		Each     []string    `json:"each,omitempty"`
		Columns  [][]string  `json:"columns,omitempty"`
		Raw      bool        `json:"raw,omitempty"`
		From, To string      `json:",omitempty"`
		Where    []Condition `json:"where,omitempty"`
		Zstd     bool        `json:"zstd,omitempty"`
	}{o.Each, o.Columns, o.Raw, o.From.String(), o.To.String(), o.Where, o.Zstd})
	if err != nil { // there is nothing in it that cannot be encoded
		panic(err)
	}
	return string(b)
}

// isDone reports whether a file has the day as it is now, by its mark, and fills in what
// that says.
func (s *exportSource) isDone(file string) bool {
	if info, err := os.Stat(markName(file)); err != nil || !info.Mode().IsRegular() { // a pipe would be waited for
		return false
	}
	text, err := os.ReadFile(markName(file))
	if err != nil {
		return false
	}
	var m exportMark
	if json.Unmarshal(text, &m) != nil || m.Key != s.Key || m.Version != s.Version || m.Options != s.opts.text() {
		return false
	}
	info, err := os.Stat(file)
	switch {
	case m.Rows == 0 && !s.opts.Raw:
		if !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	case err != nil || info.Size() != m.Size || info.ModTime().UnixNano() != m.Written:
		return false
	default:
		s.File = file
	}
	s.Unchanged, s.Fetches, s.Without, s.Rows, s.Bytes = true, m.Fetches, m.Without, m.Rows, m.Bytes
	s.Looked, s.Lacks = m.Looked, m.Lacks
	return true
}

// mark writes the mark of a file. info is nil if there is none.
func (s *exportSource) mark(dir, file string, info fs.FileInfo) error {
	m := exportMark{Key: s.Key, Version: s.Version, Options: s.opts.text(), Fetches: s.Fetches, Without: s.Without, Rows: s.Rows, Bytes: s.Bytes,
		Looked: s.Looked, Lacks: s.Lacks}
	if info != nil {
		m.Size, m.Written = info.Size(), info.ModTime().UnixNano()
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	p, err := newPartFile(dir, markName(file))
	if err != nil {
		return err
	}
	defer p.discard()
	if _, err := p.Write(append(text, '\n')); err != nil {
		return err
	}
	_, err = p.finish()
	return err
}
