package s3store

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"example.com/rotatelog"
	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	lookTries = 3                      // for an answer about one version
	lookPause = 100 * time.Millisecond // between them
)

// onceReplaced asks again if an answer was given while the object was being replaced.
func onceReplaced[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		o, err := ask()
		if !isBeingReplaced(err) || try == lookTries || !pause(ctx, lookPause) {
			return o, err
		}
	}
}

// isBeingReplaced reports whether an answer may be that of an instant: an object may lack
// an ETag while it is replaced, and Ceph 16 answers a GET with 500 UnknownError then, of
// which the client's retries may all meet one where many write.
func isBeingReplaced(err error) bool {
	return errors.Is(err, errNoETag) || statusOf(err) == http.StatusInternalServerError && codeOf(err) == "UnknownError"
}

// versionOfETag returns the zero Version if there is no ETag. Servers differ in how
// they quote the same ETag.
func versionOfETag(etag *string) rotatelog.Version {
	v := strings.TrimPrefix(strings.TrimSpace(aws.ToString(etag)), "W/")
	return rotatelog.Version(strings.Trim(v, `"`))
}
