package preflight

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
)

// Reach returns why the API server does not answer within a limit, nil if it does.
func Reach(ctx context.Context, client kubernetes.Interface, limit time.Duration) *Problem {
	_, problem := connect(ctx, client, limit, false)
	return problem
}

// connect asks the API server for its version; inside says that it is asked from one of the cluster's own pods.
func connect(ctx context.Context, client kubernetes.Interface, limit time.Duration, inside bool) (*version.Info, *Problem) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	found, err := discovery.ToServerVersionInterfaceWithContext(client.Discovery()).ServerVersionWithContext(ctx)
	if err != nil {
		p := connectProblem(err, limit, inside)
		return nil, &p
	}
	return found, nil
}

// connectProblem says why the request for the version failed.
func connectProblem(err error, limit time.Duration, inside bool) Problem {
	var certificate *tls.CertificateVerificationError
	var host x509.HostnameError
	status := apierrors.APIStatus(nil)
	cause := err.Error()
	var request *url.Error
	if errors.As(err, &request) {
		cause = request.Err.Error()
	}
	where, whether := "see whether the address is right and reachable from here (VPN, proxy, firewall)", "see whether the cluster runs and the address is right"
	if inside {
		where = "see whether NetworkPolicies of this pod's namespace deny egress, and let it reach the API server and the cluster's DNS"
		whether = where
	}
	switch {
	case apierrors.IsUnauthorized(err):
		return Problem{Usage: true, Text: "credentials: expected ones that the API server accepts, found them rejected (401 Unauthorized): " +
			"the token or certificate is expired or belongs to another cluster; renew it in the kubeconfig"}
	case apierrors.IsForbidden(err):
		return Problem{Usage: true, Text: "credentials: expected an account that may read /version, found it forbidden (403): " +
			"bind the ClusterRole system:public-info-viewer, or put credentials into the kubeconfig"}
	case strings.Contains(cause, "getting credentials"):
		return Problem{Usage: true, Text: oneLine("credentials: expected the kubeconfig's plugin to provide them, found: " + cause + "; log in again")}
	case errors.As(err, &certificate), errors.As(err, &host):
		return Problem{Usage: true, Text: oneLine("certificate: expected one that the kubeconfig's certificate-authority signed for this address, found: " +
			cause + "; get the kubeconfig again")}
	case errors.Is(err, context.DeadlineExceeded):
		return Problem{Text: fmt.Sprintf("API server: expected an answer within %v, found none: %s", limit, where)}
	case errors.As(err, &status):
		return Problem{Text: oneLine("API server: expected its version, found: " + err.Error() + "; see whether the address is a healthy API server")}
	case request != nil:
		return Problem{Text: oneLine("API server: expected an answer, found: " + cause + "; " + whether)}
	}
	return Problem{Text: oneLine("API server: expected its version, found: " + cause + "; see whether the address is a Kubernetes API server")}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
