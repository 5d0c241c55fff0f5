package archive

import (
	"crypto/sha256"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/daytext"
)

// recount has the rule count what is put back and was not counted when it was written, and
// finds out whether it gives what is stated of the other uploads.
func (p *Plan) recount(m *merge, count rotatelog.CountFunc) error {
	var others []rotatelog.DayUpload
	counted := false
	for i, b := range m.back {
		if !b.Counted {
			others = append(others, b.DayUpload)
			continue
		}
		counted = true
		u, err := recounted(b.DayUpload, count)
		if err != nil {
			return err
		}
		m.back[i].DayUpload = u
	}
	if !counted {
		return nil
	}
	for _, u := range m.keep {
		if u.Len > 0 { // otherwise another program may have counted it
			others = append(others, u)
		}
	}
	for _, u := range others {
		matches, err := countUpload(u, count)
		if err != nil {
			return err
		}
		if matches != u.Matches {
			p.Uncounted = true
			return nil
		}
	}
	return nil
}

// recounted returns an upload with the matches that a rule gives.
func recounted(u rotatelog.DayUpload, count rotatelog.CountFunc) (rotatelog.DayUpload, error) {
	matches, err := countUpload(u, count)
	if err != nil || matches == u.Matches {
		return u, err
	}
	u.Matches = matches
	u.SHA256, err = checksumOf(u)
	return u, err
}

func countUpload(u rotatelog.DayUpload, count rotatelog.CountFunc) (matches int64, err error) {
	err = eachFetch(u, func(fetch []byte) { matches = addClamped(matches, countOf(count, fetch)) })
	return matches, err
}

// countOf counts as a Writer does: what cannot be counted counts 0.
func countOf(count rotatelog.CountFunc, fetch []byte) int64 {
	n, err := count(fetch)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// checksumOf returns the upload_sha256 of an upload.
func checksumOf(u rotatelog.DayUpload) (string, error) {
	sum := sha256.New()
	err := readText(u, sum)
	return daytext.Head{Timestamp: u.Timestamp, Matches: u.Matches, Fetches: u.FetchCount, ID: u.ID}.Checksum(sum), err
}
