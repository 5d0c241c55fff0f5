package s3store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"

	"example.com/rotatelog/internal/hint"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// List implements [rotatelog.Lister]. It takes one request for each thousand keys, and
// the permission s3:ListBucket. Unfinished uploads are not listed, and throwaway
// objects of Prove, whose keys have "rotatelog-probe-" after the last slash, may be.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		l := listing{prefix: prefix}
		for !l.done {
			keys, err := s.listPage(ctx, &l)
			if err != nil {
				yield("", s.explain(ctx, "list", prefix, err))
				return
			}
			for _, key := range keys {
				if err := context.Cause(ctx); err != nil {
					yield("", s.explain(ctx, "list", prefix, err))
					return
				}
				if !yield(key, nil) {
					return
				}
			}
		}
	}
}

// listing is a list of keys, some pages of which have been read.
type listing struct {
	prefix string
	last   string // key
	token  string // of the next page; "": it begins after last
	empty  int    // pages in a row that had no keys
	done   bool   // there is no next page
}

// listPage returns the next keys.
func (s *Store) listPage(ctx context.Context, l *listing) ([]string, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	// Keys may hold what no XML document can.
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &l.prefix, EncodingType: types.EncodingTypeUrl}
	switch {
	case l.token != "":
		in.ContinuationToken = &l.token
	case l.last != "":
		in.StartAfter = &l.last
	}
	out, err := s.client.ListObjectsV2(ctx, in, s.withRetries)
	if isNotTaken(err) {
		return nil, fmt.Errorf("%w: the server does not list objects: %w", errors.ErrUnsupported, err)
	}
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, o := range out.Contents {
		key, err := l.next(aws.ToString(o.Key), out.EncodingType)
		if err != nil {
			return nil, err
		}
		if key != l.last { // some servers begin with the key after which they are to begin
			keys, l.last = append(keys, key), key
		}
	}
	return keys, l.turn(aws.ToBool(out.IsTruncated), aws.ToString(out.NextContinuationToken), len(keys))
}

const listElsewhere = "use another server, or name the days that are wanted"

// next returns a key as it is listed, and checks that it comes after the one before.
func (l *listing) next(listed string, encoding types.EncodingType) (key string, err error) {
	key = listed
	if encoding == types.EncodingTypeUrl {
		key, err = url.QueryUnescape(listed)
	}
	switch {
	case err != nil || !strings.HasPrefix(key, l.prefix):
		return "", hint.Add(permanentError("the server lists %.200q among the keys that begin with %.200q", listed, l.prefix), listElsewhere)
	case key < l.last || key == "":
		return "", hint.Add(permanentError("the server lists the key %.200q after %.200q, which is not the order of their bytes", key, l.last), listElsewhere)
	}
	return key, nil
}

// maxEmptyPages is how many pages without a key are read. Servers return some where many
// objects were deleted.
const maxEmptyPages = 1000

// turn goes to the next page, if there is one. keys are how many this page has.
func (l *listing) turn(more bool, token string, keys int) error {
	if l.empty++; keys > 0 {
		l.empty = 0
	}
	switch {
	case !more:
		l.done = true
	case token != "" && token == l.token, token == "" && keys == 0, l.empty == maxEmptyPages:
		return hint.Add(permanentError("the server says that there are keys after %.200q, and does not list them", l.last), listElsewhere)
	}
	l.token = token
	return nil
}
