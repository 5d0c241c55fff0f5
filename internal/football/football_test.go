package football

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
)

func TestFetchesHaveTheirSizeAndForm(t *testing.T) {
	for _, size := range []int{0, 2_000, 13_000, 200_000, 1_800_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			feed, again := New(1, size), New(1, size)
			var before []byte
			for n := 1; n <= 3; n++ {
				fetch := feed.Next()
				if !bytes.Equal(fetch, again.Next()) {
					t.Error("the same seed made another fetch")
				}
				if bytes.Equal(fetch, before) {
					t.Error("nothing changed")
				}
				checkFetch(t, fetch, n)
				if want := max(size, 2_000); len(fetch) < want*8/10 || len(fetch) > want*12/10 {
					t.Errorf("%d bytes, want about %d", len(fetch), want)
				}
				before = fetch
			}
		})
	}
}

// checkFetch reads a fetch as its consumers do.
func checkFetch(t *testing.T, fetch []byte, number int) {
	t.Helper()
	var got struct {
		Header struct {
			Number int `json:"fetch_number"`
		} `json:"FETCH_HEADER"`
		Data struct {
			Results []struct {
				ID string `json:"id"`
			} `json:"results"`
		} `json:"RAW_API_DATA"`
		Footer struct {
			Matches int `json:"total_matches"`
		} `json:"FETCH_FOOTER"`
	}
	if err := json.Unmarshal(fetch, &got); err != nil {
		t.Fatalf("%v in %.200s", err, fetch)
	}
	if got.Header.Number != number || got.Footer.Matches == 0 || got.Footer.Matches != len(got.Data.Results) {
		t.Errorf("number %d of %d, %d matches, %d of them there", got.Header.Number, number, got.Footer.Matches, len(got.Data.Results))
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, fetch); err != nil || compact.Len() != len(fetch) {
		t.Errorf("%d bytes, %d without white space, %v", len(fetch), compact.Len(), err)
	}
}
