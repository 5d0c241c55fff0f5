// Package football makes the fetches that benchmarks append: the answers of a live
// football API, once a minute, in the pipeline's envelope. None of it is real, and the
// same seed makes the same fetches.
//
// From one fetch to the next little changes, as in the real thing: minutes,
// scores, odds and statistics of the matches that are being played.
package football

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// Start is when the first fetch of a Feed was made: midnight in New York.
func Start() time.Time { return time.Date(2025, 7, 10, 0, 0, 0, 0, zone()) }

// zone is New York's in that summer; it needs no zone database.
func zone() *time.Location { return time.FixedZone("EDT", -4*60*60) }

// Feed is one answer of the API, as it changes from minute to minute. It is not
// safe for concurrent use.
type Feed struct {
	random  *rand.Rand
	matches []*match
	texts   [][]byte // of the matches
	now     time.Time
	number  int // of the last fetch
}

// New returns a Feed whose fetches have about size bytes, without white space. A
// fetch has at least one match, and so 2 KB.
func New(seed uint64, size int) *Feed {
	f := &Feed{random: rand.New(rand.NewPCG(seed, 2025)), now: Start()}
	const envelope, one = 600, 1_900
	for total := envelope; total+one/2 < size || len(f.matches) == 0; {
		m := newMatch(f.random, f.now)
		f.matches = append(f.matches, m)
		f.texts = append(f.texts, m.appendJSON(nil))
		total += len(f.texts[len(f.texts)-1]) + 1
	}
	return f
}

// Next returns the next fetch, compact. The caller may keep it.
func (f *Feed) Next() []byte {
	f.number++
	f.now = f.now.Add(time.Minute)
	statuses := map[int]int{}
	size := 1 << 10
	for i, m := range f.matches {
		if m.status == ended { // the next one takes its place, so that the size stays
			*m = *newMatch(f.random, f.now)
			f.texts[i] = m.appendJSON(f.texts[i][:0])
		} else if m.advance(f.random, f.now) {
			f.texts[i] = m.appendJSON(f.texts[i][:0])
		}
		statuses[m.status]++
		size += len(f.texts[i]) + 1
	}
	id := letters(f.random, 12)
	stamp := fmt.Sprintf(`"fetch_number":%d,"random_fetch_id":"%s","nyc_timestamp":"%s"`,
		f.number, id, f.now.Format("01/02/2006 03:04:05 PM MST"))
	b := make([]byte, 0, size)
	b = append(b, `{"FETCH_HEADER":{`+stamp+`,"fetch_start":"=== RAW API DATA START ==="},"RAW_API_DATA":{"code":0,"results":[`...)
	for i, text := range f.texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, text...)
	}
	playing := statuses[firstHalf] + statuses[halfTime] + statuses[secondHalf]
	b = fmt.Appendf(b, `]},"FETCH_FOOTER":{%s,"pipeline_completion_time_seconds":%.3f,"total_matches":%d,"matches_in_play":%d,"match_status_breakdown":[`,
		stamp, 2+f.random.Float64(), len(f.matches), playing)
	for i, status := range []int{notStarted, firstHalf, halfTime, secondHalf, ended} {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `"Status ID %d (%s): %d matches"`, status, statusNames()[status], statuses[status])
	}
	return append(b, `],"fetch_end":"=== RAW API DATA END ==="}}`...)
}

// letters returns n random letters and digits, as ids have them.
func letters(r *rand.Rand, n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

func appendInts(b []byte, values ...int) []byte {
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(v), 10)
	}
	return append(b, ']')
}
