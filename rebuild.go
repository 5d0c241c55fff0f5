package rotatelog

import (
	"bytes"
	"fmt"
	"io"

	"example.com/rotatelog/internal/packed"
)

// A DayUpload is an upload as it is to be in a day's object that is written from
// uploads. Its text is its fetches, each compact, with ",\n" between them.
type DayUpload struct {
	Sequence   int // upload_sequence, larger than that of the upload before it
	Timestamp  string
	Matches    int64
	FetchCount int
	ID         string
	SHA256     string // "" if it has none

	// Open returns the text, of Size bytes. It may be called more than once.
	Open func() (io.ReadCloser, error)
	Size int64

	// Off is where the upload is, head and all, in the object that is replaced, and Len
	// how long it is there, if that is uncompressed and the upload stays as it is. The
	// store then copies it. 0: it is written from its text.
	Off, Len int64
}

func (u DayUpload) upload() upload {
	return upload{Timestamp: u.Timestamp, Matches: u.Matches, Fetches: u.FetchCount, ID: u.ID, SHA256: u.SHA256}
}

// rebuild returns the parts that make a day's object of uploads, in that layout, and
// what is then to be known of it.
func rebuild(o dayKey, to layout, uploads []DayUpload) (parts []Part, next dayState, err error) {
	next = dayState{totals: Totals{Day: o.day}, pack: o.pack}
	r := rebuilding{next: &next}
	for _, u := range uploads {
		if err := r.add(u); err != nil {
			return nil, dayState{}, err
		}
	}
	head, tail := next.frame(to)
	next.begin = int64(len(head))
	next.end = next.begin + r.size
	next.size = next.end + int64(len(tail))
	if next.pack == Uncompressed {
		next.placeFrame(to)
	}
	parts = appendData(nil, head)
	for _, p := range r.parts {
		if p.Data != nil {
			parts = appendData(parts, p.Data)
		} else {
			parts = append(parts, p)
		}
	}
	return appendData(parts, tail), next, nil
}

// rebuilding collects the parts of uploads.
type rebuilding struct {
	next  *dayState
	parts []Part
	size  int64 // of parts, in bytes
}

func (r *rebuilding) push(p Part) {
	r.parts = append(r.parts, p)
	r.size += p.Size()
}

func (r *rebuilding) add(u DayUpload) error {
	separator := []byte("\n")
	if r.next.totals.Uploads > 0 {
		separator = []byte(entrySeparator)
	}
	if sequence := r.next.add(int64(u.Sequence), u.upload()); sequence != u.Sequence {
		return fmt.Errorf("upload %s: its sequence, %d, is not larger than that of the upload before it", u.ID, u.Sequence)
	}
	if u.Len > 0 && r.next.pack == Uncompressed {
		r.copy(u, separator)
		return nil
	}
	head := u.upload().head(u.Sequence).Append(separator)
	if r.next.pack != Uncompressed {
		return r.addPacked(u, head)
	}
	r.push(Data(head))
	r.push(Stream(u.Size, u.Open))
	r.push(Data([]byte(entryClose)))
	return nil
}

// copy adds an upload that is copied, in one part with the one before it if they stand
// side by side.
func (r *rebuilding) copy(u DayUpload, separator []byte) {
	between := int64(len(separator))
	if n := len(r.parts); n > 0 && r.parts[n-1].IsCopy() && r.parts[n-1].Off+r.parts[n-1].Len+between == u.Off {
		r.parts[n-1].Len += between + u.Len
		r.size += between + u.Len
		return
	}
	r.push(Data(separator))
	r.push(Copy(u.Off, u.Len))
}

// addPacked adds an upload that is compressed. Its text is read twice, so that no more
// than one compressed upload is in memory.
func (r *rebuilding) addPacked(u DayUpload, head []byte) error {
	format := r.next.pack.format()
	piece, sum, err := u.pack(format)
	if err != nil {
		return err
	}
	r.push(Data(format.AppendStored(nil, head, false)))
	r.push(Stream(int64(len(piece)), func() (io.ReadCloser, error) {
		piece, _, err := u.pack(format)
		if err != nil {
			return nil, err
		}
		return io.NopCloser(bytes.NewReader(piece)), nil
	}))
	r.next.sum = r.next.sum.Join(packed.ChecksumOf(head)).Join(sum)
	return nil
}

// pack returns the piece that the text of u and its end are compressed to.
func (u DayUpload) pack(format packed.Format) ([]byte, packed.Checksum, error) {
	text, err := u.Open()
	if err != nil {
		return nil, packed.Checksum{}, err
	}
	defer text.Close()
	to, err := packed.NewWriter(format, u.Size)
	if err == nil {
		_, err = io.Copy(to, text)
	}
	if err == nil {
		_, err = to.Write([]byte(entryClose))
	}
	if err != nil {
		return nil, packed.Checksum{}, fmt.Errorf("upload %s: %w", u.ID, err)
	}
	return to.Finish()
}
