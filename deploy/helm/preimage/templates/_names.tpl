{{/* Names and labels. */}}

{{- define "preimage.name" -}}
{{- if contains "preimage" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-preimage{{ end }}
{{- end }}

{{/* Of a component: (list $ "worker" "gpu"). A pool is the last word, "" for none. */}}
{{- define "preimage.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: preimage
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- with index . 2 }}
preimage/pool: {{ . }}
{{- end }}
{{- end }}

{{- define "preimage.labels" -}}
{{ include "preimage.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ (index . 0).Chart.Name }}-{{ (index . 0).Chart.Version }}
{{- end }}

{{/* (list $ "preimage-service") */}}
{{- define "preimage.image" -}}
{{- $root := index . 0 -}}
{{- with $root.Values.image.registry }}{{ . }}/{{ end -}}
{{ index . 1 }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}
{{- end }}

{{/* A pool with the defaults below what it says: (list $ "gpu"). */}}
{{- define "preimage.pool" -}}
{{- $root := index . 0 -}}
{{- mergeOverwrite (deepCopy $root.Values.workerDefaults) (deepCopy (index $root.Values.workers (index . 1))) | toYaml -}}
{{- end }}
