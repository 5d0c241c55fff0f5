package cli

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"strings"

	"example.com/rotatelog"
)

// StoreHelp is what a program's help says of the store, besides its flags.
const StoreHelp = `The key for an s3: store is taken from the environment alone, from
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN if there is
one.
`

// StoreFlags are the flags that say where the daily objects live.
type StoreFlags struct {
	url, endpoint, region string
	pathStyle             bool
}

// Define defines the flags in f.
func (s *StoreFlags) Define(f *flag.FlagSet) {
	f.StringVar(&s.url, "store", "", "`URL` of the store: s3://BUCKET[/FOLDER] or file:///DIR (required)")
	f.StringVar(&s.endpoint, "endpoint", "", "`URL` of the S3 server, as https://us-ord-1.linodeobjects.com (required for s3:)")
	f.StringVar(&s.region, "region", "", "`R`egion (default $AWS_REGION, else that in R.linodeobjects.com, else us-east-1)")
	f.BoolVar(&s.pathStyle, "path-style", true, "name the bucket in the path; =false: in the host (default true)")
}

// Open returns the store that the flags name, and the prefix of keys that they
// ask for, "" if they ask for none. It touches neither disk nor network; an
// error is one of usage, and tells no secret.
func (s *StoreFlags) Open(env Env) (store rotatelog.Store, prefix string, err error) {
	if s.url == "" {
		return nil, "", errors.New("-store is missing: say where the daily objects live, as in -store s3://BUCKET or -store file:///DIR")
	}
	if strings.Contains(s.url, "@") && !strings.HasPrefix(s.url, "file:///") { // not to be repeated: it may hold a secret
		return nil, "", errors.New("-store: a key does not belong into the URL, and in a folder @ is written %40")
	}
	u, err := url.Parse(s.url)
	if err != nil {
		return nil, "", fmt.Errorf("-store: %w", err)
	}
	if u.Scheme != "s3" && (s.endpoint != "" || s.region != "" || !s.pathStyle) {
		return nil, "", fmt.Errorf("-store %s: -endpoint, -region and -path-style are for s3://BUCKET only", u)
	}
	switch u.Scheme {
	case "s3":
		return s.openS3(env, u)
	case "file":
		store, err = fileStore(u)
	case "":
		err = fmt.Errorf("-store %s: it is a URL, as in -store s3://BUCKET or -store file:///DIR", u)
	default:
		err = fmt.Errorf("-store %s: unknown scheme %q: use s3://BUCKET or file:///DIR", u, u.Scheme)
	}
	return store, "", err
}
