package s3store_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// TestEndlessLists: a server that goes on to answer without a key, and with another token
// each time, does not make a list that never ends.
func TestEndlessLists(t *testing.T) {
	t.Parallel()
	const enough = 5000 // requests
	for name, keys := range map[string]string{"without keys": "", "with one key": contents("a1")} {
		t.Run(name, func(t *testing.T) {
			requests := 0
			client := s3test.InProcess(s3test.NewClient("http://s3.test"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				more := truncated
				if requests == enough {
					more = ""
				}
				io.WriteString(w, page(keys+more+fmt.Sprintf("<NextContinuationToken>%d</NextContinuationToken>", requests)))
			}))
			if _, err := listAll(t.Context(), s3test.NewStore(client, s3store.Options{}), "a"); err == nil || requests == enough {
				t.Errorf("%d requests, %v", requests, err)
			}
		})
	}
}
