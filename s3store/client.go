package s3store

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// The time limits of a client. A whole request has none: what is slow but moves may
// take as long as it needs.
const (
	dialTimeout = 10 * time.Second
	tlsTimeout  = 10 * time.Second
	idleTimeout = 45 * time.Second // less than the servers', so that no request meets a closing connection
	stallLimit  = 30 * time.Second // without a byte in either direction

	maxIdleConns = 32 // as many days as rotatelog.Archive asks for at the same time
)

// NewClient returns a client that is right for Linode Object Storage and similar
// servers. endpoint is an address such as https://us-ord-1.linodeobjects.com,
// without the bucket, and with a path only if a gateway has one. region is a name
// such as us-ord-1. New reports what is wrong with them.
//
// It addresses buckets by path, and sends none of the SDK's checksums, which these
// servers refuse. It keeps connections for 45 s, gives up on a request after 30 s
// in which no byte moves, and follows no redirects. A proxy is taken from the
// environment, as in [http.ProxyFromEnvironment].
//
// creds are asked for each request: wrap a slow provider in an
// [aws.CredentialsCache].
func NewClient(endpoint, region string, creds aws.CredentialsProvider) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint:                 aws.String(strings.TrimRight(endpoint, "/")),
		Region:                       region,
		Credentials:                  creds,
		UsePathStyle:                 true,
		RequestChecksumCalculation:   aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation:   aws.ResponseChecksumValidationWhenRequired,
		ContinueHeaderThresholdBytes: -1, // never
		HTTPClient: &guard{client: &http.Client{
			Transport: newTransport(),
			// A redirect means another region, for which the signature is not valid.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}},
	})
}

func newTransport() *http.Transport {
	var http1 http.Protocols
	http1.SetHTTP1(true) // HTTP/2 would put all requests at the mercy of one connection
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: checkConnect,
		DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:    tlsTimeout,
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConns,
		IdleConnTimeout:        idleTimeout,
		DisableCompression:     true,
		Protocols:              &http1,
	}
}

// refusedTunnel is the error of a proxy that answers CONNECT, but does not connect.
type refusedTunnel struct{ status int }

func (e refusedTunnel) Error() string {
	return fmt.Sprintf("the proxy answered CONNECT with %d %s", e.status, http.StatusText(e.status))
}

func checkConnect(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return refusedTunnel{resp.StatusCode}
	}
	return nil
}
