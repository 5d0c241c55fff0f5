// Fakes3 serves an S3 server in memory, for trying things by hand. Run it with
// -h.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"example.com/rotatelog/internal/cli"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/format"
)

const help = `Usage: fakes3 [flags]

Runs an S3 server that only this machine can reach, with its objects in memory.
It checks signatures, honours conditions as the imitated server does, and fails
where -fail says so. Ctrl-C ends it and discards its objects.

Flags:

-profile is strict (S3 as AWS documents it), linode, rgw16, rgw18 or rgw20 (releases
of Ceph), minio, versity, b2, gofakes3, rclone, or noconditions, which ignores all
conditions.

-fail takes rules OPERATION:WHICH:WHAT, separated by commas. OPERATION is a name
such as PutObject, or * for any. WHICH counts the requests of that name: 3, 2-4,
5- or *. WHAT is one of these, or several joined by +:

  503            answer with this status, do nothing   500/SomeCode  the same, with a code
  drop           break the connection, do nothing      lost          answer 200, do nothing
  delay=2s       wait first                            cut=100       break after 100 bytes
  trickle=10/1s  send 10 bytes of the body a second
  absent         answer HEAD or GET with a bare 404    stale=2       HEAD from two writes ago

503-after, drop-after and delay=2s-after come after the request has been executed:

  fakes3 -fail 'PutObject:2:drop-after,HeadObject:5-9:503'

The exit status is 0 at the end, 1 if it cannot serve, and 2 if the flags are
wrong.
`

const (
	accessKey = "access"
	secretKey = "secret"
	region    = "us-east-1"
)

func main() { cli.Main(run) }

func run(ctx context.Context, env cli.Env) int {
	flags := flag.NewFlagSet("fakes3", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:9000", "`HOST:PORT` to listen on, on this machine (default 127.0.0.1:9000)")
	bucket := flags.String("bucket", "sports-json-logs-all", "`NAME` of the bucket to create (default sports-json-logs-all)")
	fail := flags.String("fail", "", "`RULES` for faults, see below (default none)")
	profile := flags.String("profile", "strict", "`NAME` of the server to behave like, see below (default strict)")
	verbose := flags.Bool("v", false, "print a line for each request")
	if code, done := env.ParseFlags(flags, help); done {
		return code
	}
	srv, err := newServer(*profile, *fail, *bucket)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err == nil {
		err = checkLoopback(*addr)
	}
	if err != nil {
		return env.UsageError(flags.Name(), err)
	}
	if err := serve(ctx, env, *addr, *bucket, srv, *verbose); err != nil {
		fmt.Fprintf(env.Stderr, "fakes3: %v\n", err)
		return cli.Failure
	}
	fmt.Fprintln(env.Stdout, summary(srv.Stats()))
	return cli.OK
}

// newServer returns the server that the flags describe.
func newServer(profile, fail, bucket string) (*fakes3.Server, error) {
	p, err := fakes3.ProfileByName(profile)
	if err != nil {
		return nil, fmt.Errorf("-profile: %w", err)
	}
	fault, err := fakes3.ParseFault(fail)
	if err != nil {
		return nil, fmt.Errorf("-fail: %w", err)
	}
	if bucket == "" || strings.Contains(bucket, "/") {
		return nil, fmt.Errorf("-bucket %q: not a bucket name", bucket)
	}
	srv := fakes3.New(fakes3.Options{Profile: p, AccessKey: accessKey, SecretKey: secretKey, Region: region})
	srv.Fault = fault
	srv.CreateBucket(bucket)
	return srv, nil
}

// checkLoopback refuses an address that other machines can reach: everyone knows the
// keys.
func checkLoopback(addr string) error {
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	if !a.IP.IsLoopback() {
		return fmt.Errorf("-addr %s: use an address of this machine only, such as 127.0.0.1:9000", addr)
	}
	return nil
}

// serve serves until ctx ends.
func serve(ctx context.Context, env cli.Env, addr, bucket string, srv *fakes3.Server, verbose bool) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	var handler http.Handler = srv
	if verbose {
		handler = &requestLog{handler: srv, out: env.Stdout}
	}
	greet(env.Stdout, "http://"+l.Addr().String(), bucket)
	s := &http.Server{Handler: handler}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// greet says how to use the server.
func greet(out io.Writer, endpoint, bucket string) {
	fmt.Fprintf(out, "Serving the bucket %s at %s until Ctrl-C. In another shell:\n\n", bucket, endpoint)
	fmt.Fprintf(out, "  export ROTATELOG_DIR=%s\n", filepath.Join(os.TempDir(), "rotatelog-fakes3"))
	fmt.Fprintf(out, "  export 'ROTATELOG_STORE=s3://%s?endpoint=%s'\n", bucket, endpoint)
	fmt.Fprintf(out, "  export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n", accessKey, secretKey)
	fmt.Fprint(out, "  echo '{\"FETCH_FOOTER\":{\"total_matches\":3}}' | go run ./cmd/rotatelog append --flush\n\n")
}

// summary says in one line what the server did.
func summary(st fakes3.Stats) string {
	var each []string
	for _, name := range slices.SortedFunc(maps.Keys(st.Requests), func(a, b string) int {
		return cmp.Or(st.Requests[b]-st.Requests[a], strings.Compare(a, b))
	}) {
		each = append(each, fmt.Sprintf("%d %s", st.Requests[name], name))
	}
	line := format.Plural(st.Total(), "request", "requests")
	if len(each) > 0 {
		line += " (" + strings.Join(each, ", ") + ")"
	}
	return fmt.Sprintf("%s, %d bytes received, %d sent", line, st.Received, st.Sent)
}
