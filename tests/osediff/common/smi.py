"""What nvidia-smi -L prints on a machine with a whole GPU and one in two parts."""

MIG = "MIG-6a3c0d1e-5f7b-5c22-9d1a-3b0f2a1c4d5e"
SMI = f"""GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-0aef1111-2222-3333-4444-555566667777)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-9bcd1111-2222-3333-4444-555566667777)
  MIG 3g.20gb     Device  0: (UUID: {MIG})
  MIG 3g.20gb     Device  1: (UUID: MIG-GPU-9bcd1111-2222-3333-4444-555566667777/2/0)
"""
