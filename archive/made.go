package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/daytext"
)

// madeID returns the id of an upload that is made of single fetches, from its text. It is
// also that of the unfinished batch of a spool.
func madeID(sum [sha256.Size]byte) string { return hex.EncodeToString(sum[:13]) }

// isMade reports whether an id looks like those of madeID. Those of a Writer are of capital
// letters.
func isMade(id string) bool {
	_, err := hex.DecodeString(id)
	return err == nil && len(id) == 2*13
}

// made is an upload that is made of single fetches.
type made struct {
	text    bytes.Buffer
	fetches int
	matches int64
}

// add adds a fetch.
func (n *made) add(fetch []byte, count rotatelog.CountFunc) {
	if n.fetches++; n.fetches > 1 {
		n.text.WriteString(daytext.Separator)
	}
	n.text.Write(fetch)
	n.matches = addClamped(n.matches, countOf(count, fetch))
}

// upload returns it in place of u, whose Sequence and Timestamp it keeps, under an id that
// no other has.
func (n *made) upload(u rotatelog.DayUpload, has func(id string) bool) rotatelog.DayUpload {
	data := n.text.Bytes()
	sum := sha256.Sum256(data)
	for has(madeID(sum)) { // fetches may be alike
		sum = sha256.Sum256(sum[:])
	}
	id := madeID(sum)
	text := sha256.New()
	text.Write(data)
	head := daytext.Head{Timestamp: u.Timestamp, Matches: n.matches, Fetches: n.fetches, ID: id}
	return rotatelog.DayUpload{Sequence: u.Sequence, Timestamp: u.Timestamp, Matches: n.matches, FetchCount: n.fetches, ID: id,
		SHA256: head.Checksum(text), Counted: true, Size: int64(len(data)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

// without returns what is left of an upload without the fetches that a stock has. all
// says that it has none of them.
func without(u rotatelog.DayUpload, s stock, count rotatelog.CountFunc) (left made, all bool, err error) {
	all = true
	err = eachFetch(u, func(fetch []byte) {
		if s.take(fetch) {
			all = false
			return
		}
		left.add(fetch, count)
	})
	return left, all, err
}
