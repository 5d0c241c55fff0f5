package s3store

import (
	"context"
	"errors"
	"strings"
	"time"

	"example.com/rotatelog"
	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	etagTries = 3                      // at an answer that has no ETag
	etagPause = 100 * time.Millisecond // between them
)

// withETag asks again if an answer has no ETag: while an object is replaced, it
// may lack one for an instant.
func withETag[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		o, err := ask()
		if !errors.Is(err, errNoETag) || try == etagTries || !pause(ctx, etagPause) {
			return o, err
		}
	}
}

// versionOfETag returns the zero Version where there is no ETag. Servers differ
// in how they quote the same one.
func versionOfETag(etag *string) rotatelog.Version {
	v := strings.TrimPrefix(strings.TrimSpace(aws.ToString(etag)), "W/")
	return rotatelog.Version(strings.Trim(v, `"`))
}
