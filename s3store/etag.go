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
	etagTries = 3                      // for an answer with an ETag
	etagPause = 100 * time.Millisecond // between them
)

// withETag asks again if an answer has no ETag: an object may lack one for an
// instant while it is replaced.
func withETag[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		o, err := ask()
		if !errors.Is(err, errNoETag) || try == etagTries || !pause(ctx, etagPause) {
			return o, err
		}
	}
}

// versionOfETag returns the zero Version if there is no ETag. Servers differ in how
// they quote the same ETag.
func versionOfETag(etag *string) rotatelog.Version {
	v := strings.TrimPrefix(strings.TrimSpace(aws.ToString(etag)), "W/")
	return rotatelog.Version(strings.Trim(v, `"`))
}
