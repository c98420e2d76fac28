"""Weights of Caffe's reference model as a file that the network "cnn_a" loads.

`python -m preimage_worker.convert_caffe IN OUT`, or `preimage weights convert IN OUT`. The file is
read with the protobuf library and the few fields of Caffe's message that hold weights (`message`),
taken apart into arrays by layer (`reading`), and fitted to the network (`fitting`).
"""
