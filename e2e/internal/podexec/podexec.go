// Package podexec runs commands in containers through an API server, by WebSocket or, where that does not get through, by SPDY: gateways before
// API servers were seen to pass only one of the two. It stands on client-go alone; what a command is for is the business of its callers.
package podexec

import (
	"context"
	"io"
	"net/http"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"
)

// Command is a command in a container of a pod.
type Command struct {
	Namespace, Pod, Container string
	Args                      []string
}

// Run runs a command and writes what it prints. pods is a client of the API group of pods, config how its server is reached. The error is a
// CodeExitError of client-go where the command ended with another code than 0, else what kept it from running or its end from being known.
func Run(ctx context.Context, pods rest.Interface, config *rest.Config, c Command, stdout, stderr io.Writer) error {
	url := pods.Get().Resource("pods").Namespace(c.Namespace).Name(c.Pod).SubResource("exec").VersionedParams(&corev1.PodExecOptions{
		Container: c.Container, Command: c.Args, Stdout: true, Stderr: true,
	}, scheme.ParameterCodec).URL()
	socket, err := remotecommand.NewWebSocketExecutor(config, http.MethodGet, url.String())
	if err != nil {
		return err
	}
	spdy, err := remotecommand.NewSPDYExecutor(config, http.MethodPost, url)
	if err != nil {
		return err
	}
	// A connection that became none of WebSocket carried no command out, which may therefore be sent again.
	executor, err := remotecommand.NewFallbackExecutor(socket, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	if err != nil {
		return err
	}
	// What ends a connection is in the error, and not in a line of client-go's log among what a person reads.
	return executor.StreamWithContext(klog.NewContext(ctx, logr.Discard()), remotecommand.StreamOptions{Stdout: stdout, Stderr: stderr})
}
