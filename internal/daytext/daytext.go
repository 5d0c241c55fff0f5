// Package daytext is the grammar of the text of a day's object, as a Writer lays it
// out. docs/FORMAT.md describes it.
//
// The text is a frame around the uploads, in one of two layouts. Each upload begins
// with its head, which is one line and the only kind of line that ends with HeadEnd.
// Each fetch is one line: a JSON object, and then FetchEnd, or UploadEnd where it is the
// last of its upload, followed by a comma if another upload follows.
package daytext

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"

	"example.com/rotatelog/internal/rawjson"
)

// The frames, without uploads and without the fields of daily_metadata.
const (
	FirstFields  = `{"daily_metadata":{` // with daily_metadata first
	FirstUploads = "},\n" + `"uploads":[`
	FirstClose   = "\n]}\n"

	LastUploads = `{"uploads":[` // with daily_metadata last
	LastFields  = "\n],\n" + `"daily_metadata":{`
	LastClose   = "}}\n"
)

// What stands between uploads and between fetches, and at the end of an upload.
const (
	Separator = ",\n"
	HeadEnd   = `"fetch_data":[`
	FetchEnd  = ","
	UploadEnd = "]}"
)

// Head is the head of an upload.
type Head struct {
	Sequence  int64
	Timestamp string
	Matches   int64
	Fetches   int
	ID        string
	SHA256    string // 64 lower-case hex digits; "" in uploads from before there was one
}

// Append appends the line of the head, and its end.
func (h Head) Append(dst []byte) []byte {
	dst = fmt.Appendf(dst, `{"upload_sequence":%d,`, h.Sequence)
	dst = h.appendChecked(dst)
	if h.SHA256 != "" {
		dst = fmt.Appendf(dst, `,"upload_sha256":"%s"`, h.SHA256)
	}
	return append(dst, ","+HeadEnd+"\n"...)
}

// appendChecked appends the members that the checksum covers.
func (h Head) appendChecked(dst []byte) []byte {
	dst = append(dst, `"upload_timestamp":`...)
	dst = rawjson.AppendString(dst, h.Timestamp)
	dst = fmt.Appendf(dst, `,"matches_in_upload":%d,"fetches_in_upload":%d,"upload_id":`, h.Matches, h.Fetches)
	return rawjson.AppendString(dst, h.ID)
}

// Checksum returns the upload_sha256 of an upload: of the text of its fetches with
// Separator between them, which text has hashed, and the members of its head. It does
// not cover the sequence, which depends on what the upload is appended to.
func (h Head) Checksum(text hash.Hash) string {
	text.Write(h.appendChecked(nil))
	return hex.EncodeToString(text.Sum(nil))
}

// errHead is about a line that is no head.
var errHead = errors.New("it is not the head of an upload as a Writer writes it")

// ParseHead parses the line of a head, without its end. It takes exactly what Append
// writes.
func ParseHead(line []byte) (h Head, err error) {
	p := parser{rest: line}
	p.text(`{"upload_sequence":`)
	h.Sequence = p.number()
	p.text(`,"upload_timestamp":`)
	h.Timestamp = p.string()
	p.text(`,"matches_in_upload":`)
	h.Matches = p.number()
	p.text(`,"fetches_in_upload":`)
	h.Fetches = int(p.number())
	p.text(`,"upload_id":`)
	h.ID = p.string()
	if bytes.HasPrefix(p.rest, []byte(`,"upload_sha256":`)) {
		p.text(`,"upload_sha256":`)
		h.SHA256 = p.string()
	}
	p.text("," + HeadEnd)
	if p.failed || len(p.rest) > 0 || !bytes.Equal(h.Append(nil), append(bytes.Clone(line), '\n')) {
		return Head{}, errHead
	}
	return h, nil
}

// IsHead reports whether a line, without its end, is a head or what is left of one.
func IsHead(line []byte) bool { return bytes.HasSuffix(line, []byte(HeadEnd)) }

// Metadata is daily_metadata.
type Metadata struct {
	Date        string
	Uploads     int
	Matches     int64
	First, Last string // upload_timestamp of the first and the last upload
	Fetches     int
}

// Append appends the members of daily_metadata.
func (m Metadata) Append(dst []byte) []byte {
	dst = fmt.Appendf(dst, `"date":"%s","total_uploads":%d,"total_matches_today":%d,"first_upload":`, m.Date, m.Uploads, m.Matches)
	dst = rawjson.AppendString(dst, m.First)
	dst = append(dst, `,"last_upload":`...)
	dst = rawjson.AppendString(dst, m.Last)
	return fmt.Appendf(dst, `,"total_fetches_today":%d`, m.Fetches)
}

// ParseMetadata parses the members of daily_metadata. It takes exactly what Append
// writes.
func ParseMetadata(members []byte) (m Metadata, err error) {
	p := parser{rest: members}
	p.text(`"date":`)
	m.Date = p.string()
	p.text(`,"total_uploads":`)
	m.Uploads = int(p.number())
	p.text(`,"total_matches_today":`)
	m.Matches = p.number()
	p.text(`,"first_upload":`)
	m.First = p.string()
	p.text(`,"last_upload":`)
	m.Last = p.string()
	p.text(`,"total_fetches_today":`)
	m.Fetches = int(p.number())
	if p.failed || len(p.rest) > 0 || !bytes.Equal(m.Append(nil), members) {
		return Metadata{}, errors.New("its daily_metadata is not as a Writer writes it")
	}
	return m, nil
}

// IsField reports whether Metadata.Append writes a member of that name.
func IsField(name string) bool {
	switch name {
	case "date", "total_uploads", "total_matches_today", "first_upload", "last_upload", "total_fetches_today":
		return true
	}
	return false
}

// An Ending says what follows a fetch.
type Ending int

const (
	Broken     Ending = iota // nothing that may stand there
	NextFetch                // another fetch of the upload
	NextUpload               // another upload
	LastUpload               // the end of the uploads
)

// CutFetch returns the fetch in a line, without its end, and what follows it. last says
// that it should be the last of its upload: the end of a line alone does not tell, since
// a fetch may end like an upload.
func CutFetch(line []byte, last bool) (fetch []byte, end Ending) {
	if !last {
		if fetch, ok := bytes.CutSuffix(line, []byte(FetchEnd)); ok {
			return fetch, NextFetch
		}
		return line, Broken
	}
	if fetch, ok := bytes.CutSuffix(line, []byte(UploadEnd+FetchEnd)); ok {
		return fetch, NextUpload
	}
	if fetch, ok := bytes.CutSuffix(line, []byte(UploadEnd)); ok {
		return fetch, LastUpload
	}
	return line, Broken
}

// ValidID reports whether s has the form of the ids that a Writer makes: 8 to 64
// letters and digits.
func ValidID(s string) bool {
	if len(s) < 8 || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z') {
			return false
		}
	}
	return true
}

// parser takes known texts, numbers and strings off the front of a line.
type parser struct {
	rest   []byte
	failed bool
}

func (p *parser) text(s string) {
	rest, ok := bytes.CutPrefix(p.rest, []byte(s))
	p.rest, p.failed = rest, p.failed || !ok
}

func (p *parser) number() int64 {
	n := 0
	for n < len(p.rest) && '0' <= p.rest[n] && p.rest[n] <= '9' {
		n++
	}
	v, err := strconv.ParseInt(string(p.rest[:n]), 10, 64)
	p.rest, p.failed = p.rest[n:], p.failed || err != nil
	return v
}

func (p *parser) string() string {
	n := 1
	for n < len(p.rest) && p.rest[n] != '"' {
		if p.rest[n] == '\\' {
			n++
		}
		n++
	}
	if n >= len(p.rest) || p.rest[0] != '"' {
		p.failed = true
		return ""
	}
	s, err := rawjson.Unquote(p.rest[:n+1])
	p.rest, p.failed = p.rest[n+1:], p.failed || err != nil
	return s
}
